"""A voting process killed with SIGKILL at random moments; what its key then signed.

Four authorities run as processes, in slots of 300 ms. One is killed again and again, another for
good, so that no quorum is without the victim. A further node listens at its links: every vote that
reaches it is kept, and those in the certificates of its chain.
"""

import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from chain.consensus.finality.certificate import decode_certificate
from chain.consensus.finality.vote import SignedVote
from chain.ledger import Ledger
from p2p.api.client import Client
from p2p.config import NodeConfig
from p2p.node import Node
from p2p.process import Surroundings, run_node
from p2p.wire.codec import decode_frame
from p2p.wire.messages import Certificates, Votes
from testnet.control import ControlConnection, Request, Verb
from testnet.directory import NetDirectory
from tests.live import running_testnet, until
from tests.p2p.protocol.heard import Heard

NAME = "bench-voter-kills"
AUTHORITIES = 4
VICTIM, DEAD = "n3", "n4"
SLOT = "300ms"
KILLS = 200
LIFE_MIN_S, LIFE_MAX_S = 0.1, 3.6
BEGUN_S = 60.0
LAST_S = 8.0
SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class LiveKillFigure:
    """Kills, the lives between them in which it voted, its votes that were seen, and offences.

    `others` are votes seen of the other authorities. `refused`: lives in which the node would not
    vote because its guard was behind. `final` is the height that was final in the end.
    """

    kills: int
    voting_lives: int
    votes: int
    others: int
    offences: int
    refused: int
    final: int


class Listener(Heard):
    """All votes that reach a node, in whichever message. Implements p2p.net.connection.Tap."""

    def outgoing(self, peer: bytes, frame: bytes) -> bytes:
        """See Tap."""
        return frame

    def incoming(self, peer: bytes, frame: bytes) -> bytes:
        """See Tap."""
        for message in decode_frame(frame):
            if isinstance(message, Votes):
                self(message)
            elif isinstance(message, Certificates):
                self.certified(message.raws)
        return frame

    def certified(self, raws: tuple[bytes, ...]) -> None:
        """The votes that certificates are made of."""
        for raw in raws:
            self.votes.update((vote.encode(), vote) for vote in decode_certificate(raw).votes())

    def of(self, member: int) -> list[SignedVote]:
        """One authority's votes."""
        return [signed for signed in self.votes.values() if signed.member == member]


def measure_live_kills(kills: int = KILLS, seed: int = 1) -> LiveKillFigure:
    """About seven minutes."""
    options = ("--block-time", SLOT)
    with running_testnet(NAME, AUTHORITIES, *options) as up, tempfile.TemporaryDirectory() as own:
        with Client(up["nodes"][0]["api"]) as client:
            until("final blocks", lambda: client.finality().height > 3, BEGUN_S)
            dids = [one.did for one in client.finality().authorities]
            member = dids.index(client.account(VICTIM).did)
        lives = _Lives(NetDirectory(Path(up["genesis"]).parent), member, random.Random(seed))
        trio.run(lives.run, _config(up, Path(own)), kills)
        log = lives.directory.log(VICTIM).read_text()
    heard = lives.heard
    return LiveKillFigure(
        kills=kills,
        voting_lives=lives.voting,
        votes=len(heard.of(member)),
        others=len(heard.votes) - len(heard.of(member)),
        offences=len(heard.offences()),
        refused=log.count("vote-guard-behind"),
        final=lives.final,
    )


class _Lives:
    """The victim's lives, and the node that listens."""

    def __init__(self, directory: NetDirectory, member: int, rng: random.Random) -> None:
        self.directory = directory
        self.heard = Listener()
        self.voting = 0
        self.final = 0
        self._member = member
        self._rng = rng

    async def run(self, config: NodeConfig, kills: int) -> None:
        """Kill it, again and again, while the node of the configuration listens."""
        started = trio.Event()
        around = Surroundings(tap=self.heard, companion=self._read_at_the_end)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_node, config, lambda _: started.set(), around)
            await started.wait()
            with ControlConnection(self.directory) as control:
                control.ask(Request(Verb.KILL, (DEAD,)))
                for _ in range(kills):
                    before = len(self.heard.of(self._member))
                    await trio.sleep(self._rng.uniform(LIFE_MIN_S, LIFE_MAX_S))
                    self.voting += len(self.heard.of(self._member)) > before
                    control.ask(Request(Verb.KILL, (VICTIM,)))
                    control.ask(Request(Verb.RESTART, (VICTIM,)))
            await trio.sleep(LAST_S)
            nursery.cancel_scope.cancel()

    async def _read_at_the_end(self, node: Node) -> None:
        try:
            await trio.sleep_forever()
        finally:
            for raws in _certificates(node.ledger):
                self.heard.certified(raws)
            self.final = node.status().finalized_height


def _certificates(ledger: Ledger) -> Iterator[tuple[bytes, ...]]:
    """Those in each block of its chain."""
    for height in range(ledger.head.height + 1):
        block = ledger.block_at(height)
        if block is not None:
            yield block.certificates


def _config(up: Any, folder: Path) -> NodeConfig:
    """A node without an author, on all that the testnet has."""
    (folder / "key").write_text(os.urandom(SEED_BYTES).hex() + "\n")
    return NodeConfig(
        name="listener",
        data_dir=folder,
        genesis=Path(up["genesis"]),
        genesis_hash=bytes.fromhex(up["genesis_hash"]),
        listen="ws://127.0.0.1:0",
        bootstrap=tuple(node["p2p"] for node in up["nodes"]),
    )
