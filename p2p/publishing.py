"""Publishes files: commit, seal, keep in the vault, then tell the chain; and proves them later."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chain.finalproof import Handover
from chain.primitives.errors import Refusal
from chain.primitives.hashing import HASH_BYTES, sha256
from chain.receipts.finality import Basis
from chain.transactions.dataset import TITLE_MAX, Dataset, Parent, Publish, commit
from chain.transactions.envelope import Transaction
from p2p.age import seal
from p2p.api.client import ApiError, Client
from p2p.api.verification import Unproven, set_named, verified_value
from p2p.media import media_type
from p2p.sending import STALE, Sender
from p2p.vault import SALT_BYTES, Vault, VaultRecord, commitment_of, read_file

Random = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for all files of one command."""

    sector: str
    title: str = ""  # empty: the file's name
    parents: tuple[Parent, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """A file as it was handed to a node: its record in the vault and its transaction."""

    file: Path
    record: VaultRecord
    transaction: Transaction


class Publisher:
    """Publishes files of one account. `random` gives salts: whoever knows a salt can guess."""

    def __init__(self, sender: Sender, vault: Vault, random: Random) -> None:
        self._sender = sender
        self._vault = vault
        self._random = random

    def publish(self, files: Sequence[Path], terms: Terms) -> list[Published]:
        """Hand over one transaction per file, in order. Raises Refusal, ApiError or OSError.

        All files are read once before anything is sent, so that a missing one stops the command
        while nothing has happened.
        """
        for file in files:
            read_file(file)
        sequence, expiry = self._sender.next_sequence(), self._sender.expiry()
        prepared = [
            self._prepare(file, terms, sequence + place, expiry) for place, file in enumerate(files)
        ]
        self._submit(prepared)
        return prepared

    def _prepare(self, file: Path, terms: Terms, sequence: int, expiry: int) -> Published:
        content = read_file(file)
        salt = self._random(SALT_BYTES)
        ciphertext = seal(content, self._sender.account.agreement_key().public)
        body = Publish(
            title=_title(terms.title or file.name),
            commitment=commit(salt, content),
            ciphertext_hash=sha256(ciphertext),
            media_type=media_type(file),
            size=len(content),
            sector=terms.sector,
            parents=terms.parents,
        )
        tx = self._sender.sign(body, sequence, expiry)
        record = VaultRecord(
            path=str(file.resolve()),
            dataset=tx.id.hex(),
            genesis_hash=self._sender.genesis.hash.hex(),
            owner=self._sender.account.did_text,
            salt=salt.hex(),
            commitment=body.commitment.hex(),
            ciphertext_hash=body.ciphertext_hash.hex(),
            media_type=body.media_type,
            size=body.size,
            sector=body.sector,
            stored_ms=time.time_ns() // 1_000_000,
        )
        self._vault.put(record, ciphertext)
        return Published(file, record, tx)

    def _submit(self, prepared: Sequence[Published]) -> None:
        """Submit; what was refused leaves the vault, and the first refusal is raised."""
        verdicts = self._sender.send_all([one.transaction for one in prepared])
        failure: ApiError | None = None
        for one, verdict in zip(prepared, verdicts, strict=True):
            if verdict.status == "refused":
                self._vault.discard(one.record)
                failure = failure or _refusal(one, verdict.code, verdict.reason)
        if failure is not None:
            raise failure


def _refusal(one: Published, code: str, reason: str) -> ApiError:
    hint = "; another command of this account was faster, run it again" if code in STALE else ""
    return ApiError(422, code, f"{one.file}: {reason}{hint}")


def _title(text: str) -> str:
    """The text, cut to what a title may have in UTF-8."""
    return text.encode()[:TITLE_MAX].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A file against the chain. `match` is the whole answer; the rest says why not."""

    match: bool
    dataset: str
    owner: str
    height: int
    block: str
    state_root: str
    commitment_file: str
    commitment_chain: str
    ciphertext_vault: str
    ciphertext_chain: str


def verify_file(
    client: Client, basis: Basis, vault: Vault, record: VaultRecord, content: bytes
) -> Verdict:
    """Compare a file, and what the vault keeps of it, with what the chain provably says.

    Raises Unproven when the node cannot prove the dataset, and UnfitFile when the vault's own
    file is gone.
    """
    genesis = basis.genesis
    if record.genesis_hash != genesis.hash.hex():
        raise Unproven(
            f"dataset {record.dataset} was published on the chain {record.genesis_hash}, "
            f"this one is {genesis.hash.hex()}"
        )
    path = f"ds/{record.dataset}"
    view = client.proof(path)
    value = verified_value(view, path, basis, handovers_to(client, basis, set_named(view)))
    if value is None:
        raise Unproven(
            f"block {view.height} proves that no dataset {record.dataset} is published; "
            "was its transaction included?"
        )
    dataset = Dataset.decode(value)
    ours = commitment_of(record, content)
    kept = sha256(vault.ciphertext(record))
    return Verdict(
        match=ours == dataset.published.commitment.hex()
        and kept == dataset.published.ciphertext_hash
        and len(content) == dataset.published.size,
        dataset=record.dataset,
        owner=genesis.did(dataset.owner),
        height=view.height,
        block=view.block,
        state_root=view.state_root,
        commitment_file=ours,
        commitment_chain=dataset.published.commitment.hex(),
        ciphertext_vault=kept.hex(),
        ciphertext_chain=dataset.published.ciphertext_hash.hex(),
    )


def handovers_to(client: Client, basis: Basis, last: int) -> list[Handover]:
    """How a set took over from the one that the basis begins with. Raises Unproven."""
    begun = basis.begun
    try:
        return client.handovers(begun, last)
    except ApiError as refusal:
        if refusal.code != "no-handover":
            raise
        raise Unproven(
            f"in force is authority set {last}, and {client.url} has no handovers that lead there "
            f"from set {begun}: where the network was recovered by hand, give a checkpoint from "
            "behind that with --checkpoint FILE (/v1/checkpoint of a node you trust)"
        ) from None


def parse_parent(text: str) -> Parent:
    """`DATASET[:RELATION]`, the relation being `derived` when left out. Raises Refusal."""
    digits, _, relation = text.partition(":")
    try:
        dataset = bytes.fromhex(digits)
    except ValueError:
        dataset = b""
    if len(dataset) != HASH_BYTES:
        raise Refusal(
            "parent",
            f"{text!r}: expected DATASET[:RELATION], the dataset as {2 * HASH_BYTES} hex digits",
        )
    return Parent.from_value([dataset, relation or "derived"])
