"""One authority as two processes: the clone of a machine that was never switched off.

Seven authorities run as processes. One is stopped, its folder is copied, keys and guards and all,
and both the node and its copy are started. Each believes that it is the only one.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from p2p.api.client import Client
from p2p.api.governance_views import EvidenceBody
from tests.bench.finals import Finals
from tests.live import ROOT, cornerstone, loaded, running_testnet, until

NAME = "bench-twins"
AUTHORITIES = 7
CLONED = "n7"
RATE = 20
LOAD_S = 300
BEGUN_S = 60.0
CAUGHT_S = 150.0
AFTER_SLOTS = 10
HISTORY_MAX = 100
COPY = "clone"


@dataclass(frozen=True, slots=True)
class TwinsFigure:
    """What came of the clone.

    `offences` are those on the chain, by kind. So many slots passed from the start of the copy to
    the first evidence, and to the set without the offender, which has `seats`. `compared` final
    blocks of `nodes` honest nodes were looked at, `disagree` of them differ from another's.
    `silent` of the two have stopped to vote because they saw the other's votes.
    """

    offences: dict[str, int]
    evidence_slots: int
    unseated_slots: int
    seats: int
    set_id: int
    nodes: int
    compared: int
    disagree: int
    silent: int


def measure_twins() -> TwinsFigure:
    """Twenty transfers a second, one-second slots."""
    with running_testnet(NAME, AUTHORITIES) as up, ExitStack() as opened:
        clients = {n["name"]: opened.enter_context(Client(n["api"])) for n in up["nodes"]}
        honest = {name: client for name, client in clients.items() if name != CLONED}
        first = honest["n1"]
        until("final blocks", lambda: first.finality().height > 3, BEGUN_S)
        accused = first.account(CLONED).did
        opened.enter_context(loaded(NAME, RATE, LOAD_S))
        original = Path(up["genesis"]).parent / "nodes" / CLONED
        copy = original.with_name(COPY)
        cornerstone("testnet", "kill", NAME, CLONED)
        _clone(original, copy)
        cornerstone("testnet", "restart", NAME, CLONED)
        begun = first.status().slot
        opened.enter_context(_running(copy))
        finals = Finals(honest)
        finals.until(lambda: accused not in _seated(first), "its seat is taken", CAUGHT_S)
        unseated = first.status().slot
        enough = unseated + AFTER_SLOTS
        finals.until(lambda: first.finality().epoch >= enough, "the new set finalizes", BEGUN_S)
        proofs = list(_proofs(first, accused))
        compared, disagree = finals.compare()
        authorities = first.authorities().current
        return TwinsFigure(
            offences={kind: sum(k == kind for k, _ in proofs) for kind in ("blocks", "votes")},
            evidence_slots=min(slot for _, slot in proofs) - begun,
            unseated_slots=unseated - begun,
            seats=len(authorities.seats),
            set_id=authorities.id,
            nodes=len(honest),
            compared=compared,
            disagree=disagree,
            silent=sum("vote-guard-behind" in _log(folder) for folder in (original, copy)),
        )


def _clone(original: Path, copy: Path) -> None:
    """What an operator copies to the other machine; only the ports are others, on this one."""
    shutil.copytree(original, copy)
    lines = (copy / "node.toml").read_text().splitlines()
    kept = [line for line in lines if line.split(" ")[0] not in ("listen", "api_port")]
    (copy / "node.toml").write_text(
        "\n".join([*kept, 'listen = "ws://127.0.0.1:0"', "api_port = 0", ""])
    )
    (copy / "log.ndjson").unlink()


@contextmanager
def _running(folder: Path) -> Iterator[None]:
    """The node of a folder, as `cornerstone node run` runs it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "p2p.node_main", str(folder / "node.toml")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said:
            raise RuntimeError(f"the copy ended with {process.wait()}: see above")
        json.loads(said)
        try:
            yield
        finally:
            process.terminate()


def _seated(client: Client) -> list[str]:
    return [seat.did for seat in client.authorities().current.seats]


def _proofs(client: Client, accused: str) -> Iterator[tuple[str, int]]:
    """The kind and slot of each evidence against an authority that the chain took."""
    for entry in client.account_transactions(accused, HISTORY_MAX).transactions:
        found = client.transaction(entry.id)
        if isinstance(found.body, EvidenceBody) and found.ok and found.slot is not None:
            yield found.body.offence, found.slot


def _log(folder: Path) -> str:
    return (folder / "log.ndjson").read_text()
