"""A second validator: slow, simple, and written from docs/spec/blocks.md rather than from the code.

It judges a whole tree of blocks, each on its parent's books, and says for each the first rule that
it breaks. It knows no time, so a block from the future is none of its business.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from chain.block import (
    BLOCK_OVERHEAD_BYTES,
    CERTIFICATES_BYTES_MAX,
    Block,
    Header,
    decode_block,
    encode_block,
)
from chain.genesis import Genesis
from chain.parameters import Consensus
from chain.primitives import cbor
from chain.primitives.errors import Refusal
from chain.primitives.hashing import ZERO_HASH, Hash
from chain.primitives.keys import verify
from chain.transactions.body import Body
from chain.transactions.envelope import Transaction, decode_transaction
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.identity import Register
from chain.validation import EVIDENCE_MAX, PROOFS_MAX
from testnet.checkers.books import Books, Broken, founding_seats
from testnet.checkers.council import set_hash
from testnet.checkers.naive import EMPTY_LIST, Known, leaf, list_root
from testnet.checkers.overtaking import read_recovery
from testnet.checkers.quorums import Quorums, founding_quorums
from testnet.checkers.work import first_target, next_target

SEAL_CONTEXT = b"cornerstone/seal/1"
NONCE_BYTES = 8
NO_CERTIFICATES = sha256(cbor.encode([])).digest()
WRONG_STATE = "wrong-state-root"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of a block; `code` is empty when it is good."""

    block: bytes
    height: int
    code: str = ""
    reason: str = ""
    sums: tuple[tuple[str, int], ...] = ()  # of the balances, by currency
    transactions: tuple[bytes, ...] = ()

    @property
    def good(self) -> bool:
        return not self.code


@dataclass(slots=True)
class Place:
    """What a child of a block is judged on."""

    header: Header
    books: Books
    leaves: list[bytes]  # hashes of all headers up to this one
    slots: list[int]  # of all blocks up to this one
    target: int  # what work demanded of this block
    quorums: Quorums


class Reference:
    """Judges trees of blocks of one network, whose people have loaded these recoveries."""

    def __init__(self, genesis: Genesis, recoveries: Iterable[bytes] = ()) -> None:
        """Raises Broken for a recovery that is none."""
        self._genesis = genesis
        self._books = Books.founded(genesis)
        self._set = set_hash(0, founding_seats(genesis))
        read = [read_recovery(raw, genesis.hash) for raw in recoveries]
        self._recoveries = {recovery.block: recovery for recovery in read}
        self._signed: dict[bytes, Transaction] = {}
        self._known: Known = {}

    def founding(self) -> Header:
        """The header of the block that everybody makes for himself."""
        return Header(
            chain=self._genesis.hash,
            height=0,
            slot=0,
            parent=ZERO_HASH,
            state=Hash(self._books.root()),
            transactions=Hash(EMPTY_LIST),
            receipts=Hash(EMPTY_LIST),
            history=Hash(EMPTY_LIST),
            certificates=Hash(NO_CERTIFICATES),
            set_id=0,
            set_hash=Hash(self._set),
            next_set=b"",
            author=ZERO_HASH,
        )

    def judge(self, raws: Iterable[bytes]) -> dict[bytes, Judgement]:
        """Judgements by a block's bytes: two blocks of one id may differ in seal and body.

        Blocks that do not lead down to the first one are left out. Raises Refusal for bytes that
        are no block.
        """
        blocks = {raw: decode_block(raw) for raw in raws}
        children: dict[bytes, dict[bytes, Block]] = {}
        for raw, block in blocks.items():
            children.setdefault(block.header.parent, {})[raw] = block
        first = self.founding()
        quorums = founding_quorums(self._genesis, first)
        founding = encode_block(Block(first, b"", (), ()))
        judged = {founding: self._good(first, self._books, ())}
        waiting = [Place(first, self._books.copy(), [leaf(first.raw)], [0], 0, quorums)]
        while waiting:
            above = waiting.pop()
            offspring = children.pop(above.header.id, {})
            for number, (raw, block) in enumerate(offspring.items(), 1):
                place = above if number == len(offspring) else _copy(above)
                judged[raw] = self._judge(block, place)
                if judged[raw].good:
                    waiting.append(place)
        _condemn(blocks, judged)
        return judged

    def _judge(self, block: Block, place: Place) -> Judgement:
        """Judge a block on its parent's place, which becomes its own."""
        header = block.header
        try:
            self._check_header(header, place)
            place.target = self._target(place)
            self._check_seal(block, place)
            self._check_body(block, place.books)
            quorums = place.quorums.follow(header, block.certificates)
            transactions = [self._decoded(raw) for raw in block.transactions]
            if sum(_proofs(tx.body) for tx in transactions) > PROOFS_MAX:
                raise Broken("too-many-registrations", f"of {len(transactions)} transactions")
            if sum(tx.kind == SubmitEvidence.KIND for tx in transactions) > EVIDENCE_MAX:
                raise Broken("too-much-evidence", f"of {len(transactions)} transactions")
            place.books.hand_over(quorums.set_id, quorums.members)
            waiting = place.books.council.decided
            self._execute(header, transactions, place.books)
            decided = None if waiting is not None else place.books.council.decided
            named = b"" if decided is None else set_hash(quorums.set_id + 1, decided)
            _same("wrong-next-set", header.next_set, named)
        except Broken as broken:
            return Judgement(header.id, header.height, broken.code, broken.reason)
        place.quorums = quorums.grown(header, decided)
        recovery = self._recoveries.get(header.id)
        if recovery is not None and recovery.fits(header, quorums.hash()):
            place.quorums = place.quorums.overtaken(recovery)
        place.header = header
        place.leaves.append(leaf(header.raw))
        place.slots.append(header.slot)
        return self._good(header, place.books, tuple(tx.id for tx in transactions))

    def _good(self, header: Header, books: Books, txids: tuple[bytes, ...]) -> Judgement:
        sums = tuple((c.code, books.supply(c.code)) for c in self._genesis.currencies)
        return Judgement(header.id, header.height, sums=sums, transactions=txids)

    # Rules

    def _check_header(self, header: Header, place: Place) -> None:
        above = place.header
        _same("wrong-chain", header.chain, self._genesis.hash)
        _same("wrong-height", header.height, above.height + 1)
        if header.slot <= above.slot:
            raise Broken("wrong-slot", f"slot {header.slot} on one of slot {above.slot}")
        _same("wrong-history-root", header.history, list_root(place.leaves, self._known))
        _same("wrong-set", header.set_id, place.quorums.set_id)
        _same("wrong-set", header.set_hash, place.quorums.hash())

    def _target(self, above: Place) -> int:
        """What work asks of the next block."""
        rules, height = self._genesis.parameters, above.header.height
        if height == 0:
            return first_target(rules)
        if height % rules.work_retarget_blocks:
            return above.target
        blocks = min(rules.work_retarget_blocks, height)
        taken = above.slots[-1] - above.slots[-1 - blocks]
        return next_target(above.target, taken, blocks, rules)

    def _check_seal(self, block: Block, place: Place) -> None:
        header, seal, target = block.header, block.seal, place.target
        if self._genesis.consensus is Consensus.WORK:
            if len(seal) != NONCE_BYTES:
                raise Broken("wrong-seal", f"{len(seal)} bytes, a nonce has {NONCE_BYTES}")
            found = int.from_bytes(sha256(header.id + seal).digest(), "big")
            if found > target:
                raise Broken("too-little-work", f"{found:064x} is above {target:064x}")
            return
        leader = place.quorums.leader(header.slot)
        _same("wrong-author", header.author, leader.did)
        if not any(verify(key, SEAL_CONTEXT + header.id, seal) for key in leader.seals):
            raise Broken("wrong-seal", f"not by a seal key of {header.author.hex()}")

    def _check_body(self, block: Block, books: Books) -> None:
        header, limits = block.header, books.council.parameters
        named = sha256(cbor.encode(list(block.certificates))).digest()
        _same("wrong-certificates-hash", header.certificates, named)
        count, size = len(block.transactions), sum(map(len, block.transactions))
        if sum(map(len, block.certificates)) > CERTIFICATES_BYTES_MAX:
            raise Broken("certificates-too-large", f"{len(block.certificates)} certificates")
        if count > limits["block_transactions_max"]:
            raise Broken("too-many-transactions", f"{count} transactions")
        if size + BLOCK_OVERHEAD_BYTES > limits["block_bytes_max"]:
            raise Broken("block-too-large", f"{size} bytes")
        root = list_root([leaf(raw) for raw in block.transactions])
        _same("wrong-transactions-root", header.transactions, root)

    def _decoded(self, raw: bytes) -> Transaction:
        """A transaction whose signature is good; each is verified once."""
        known = self._signed.get(raw)
        if known is not None:
            return known
        try:
            tx = decode_transaction(raw, self._genesis.hash)
        except Refusal as refusal:
            raise Broken(refusal.code, refusal.reason) from None
        if not verify(tx.key, tx.signed, tx.signature):
            raise Broken("bad-signature", f"transaction {tx.id.hex()}")
        self._signed[raw] = tx
        return tx

    def _execute(self, header: Header, transactions: list[Transaction], books: Books) -> None:
        receipts: list[bytes] = []
        for tx in transactions:
            books.admit(tx, header.slot)
            receipts.append(books.apply(tx, header.slot))
        _same("wrong-receipts-root", header.receipts, list_root([leaf(r) for r in receipts]))
        _same(WRONG_STATE, header.state, books.root())


def _same(code: str, found: bytes | int, expected: bytes | int) -> None:
    if found != expected:
        raise Broken(code, f"{_shown(found)} where {_shown(expected)} is right")


def _shown(value: bytes | int) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _proofs(body: Body) -> int:
    """How many signatures a registration brings; none for anything else."""
    if not isinstance(body, Register):
        return 0
    return len([proof for proof in body.proofs if proof]) + (0 if body.consent is None else 1)


def _copy(place: Place) -> Place:
    return Place(
        place.header,
        place.books.copy(),
        list(place.leaves),
        list(place.slots),
        place.target,
        place.quorums,
    )


def _condemn(blocks: dict[bytes, Block], judged: dict[bytes, Judgement]) -> None:
    """Whatever stands on a bad block is bad."""
    bad = {judgement.block: None for judgement in judged.values() if not judgement.good}
    left = [raw for raw in blocks if raw not in judged]
    for raw in sorted(left, key=lambda raw: blocks[raw].header.height):
        header = blocks[raw].header
        if header.parent in bad:
            reason = f"on {header.parent.hex()}"
            judged[raw] = Judgement(header.id, header.height, "invalid-parent", reason)
            bad[header.id] = None
