"""One block per rule it breaks: the code, both values in the reason, and the ledger untouched."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chain.block import (
    BLOCK_OVERHEAD_BYTES,
    Block,
    certificates_hash,
    decode_block,
    encode_block,
    list_root,
)
from chain.consensus.finality.evidence import of_votes
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.ledger import Ledger
from chain.parameters import Parameters
from chain.primitives.errors import Declined, Malformed, Refusal
from chain.primitives.hashing import ZERO_HASH, Hash, sha256
from chain.primitives.keys import KeyPair
from chain.transactions.body import Body
from chain.transactions.document import DidDocument, Key, Purpose
from chain.transactions.envelope import sign_transaction
from chain.transactions.governance_evidence import SubmitEvidence
from chain.transactions.identity import Register
from testnet.checkers.reference import Reference
from tests.chain.founding import (
    AUTHORITIES,
    EXPIRY,
    GENESIS,
    decoded,
    genesis,
    grow,
    leader,
    ledger,
    make,
    resealed,
    transfer,
)

OTHER = sha256(b"other")


def with_transactions(block: Block, *raws: bytes) -> Block:
    changed = resealed(block, transactions=list_root(list(raws)))
    return Block(changed.header, changed.seal, (), raws)


BROKEN: dict[str, tuple[str, Callable[[Block], Block]]] = {
    "chain": ("wrong-chain", lambda b: resealed(b, chain=OTHER)),
    "height": ("wrong-height", lambda b: resealed(b, height=9)),
    "old slot": ("wrong-slot", lambda b: resealed(b, leader(2), slot=2, author=leader(2).did)),
    "author": ("wrong-author", lambda b: resealed(b, leader(4), author=leader(4).did)),
    "seal": ("wrong-seal", lambda b: resealed(b, leader(4))),
    "no seal": ("wrong-seal", lambda b: Block(b.header, b"", (), b.transactions)),
    "history": ("wrong-history-root", lambda b: resealed(b, history=OTHER)),
    "set": ("wrong-set", lambda b: resealed(b, set_hash=OTHER)),
    "set id": ("wrong-set", lambda b: resealed(b, set_id=1)),
    "next set": ("wrong-next-set", lambda b: resealed(b, next_set=OTHER)),
    "state": ("wrong-state-root", lambda b: resealed(b, state=OTHER)),
    "receipts": ("wrong-receipts-root", lambda b: resealed(b, receipts=OTHER)),
    "transactions": ("wrong-transactions-root", lambda b: resealed(b, transactions=OTHER)),
    "certificates hash": ("wrong-certificates-hash", lambda b: resealed(b, certificates=OTHER)),
    "a certificate": (
        "certificate-malformed",
        lambda b: replace(
            resealed(b, certificates=certificates_hash((b"c",))), certificates=(b"c",)
        ),
    ),
    "replayed": (
        "wrong-sequence",
        lambda b: with_transactions(b, *b.transactions, *b.transactions),
    ),
    "gap": ("wrong-sequence", lambda b: with_transactions(b, transfer(2).raw)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_block_is_refused_and_leaves_no_trace(name: str) -> None:
    code, change = BROKEN[name]
    on = ledger()
    grow(on, 1)
    grow(on, 2)
    good = make(on, 3, transfer(0))
    head, root = on.head, on.prove(b"cur/CNY")[1].state
    bad = change(good)
    with pytest.raises(Refusal) as refused:
        on.import_block(bad, decoded(on, bad), 3)
    assert refused.value.code == code
    assert refused.value.reason
    assert on.head == head
    assert on.prove(b"cur/CNY")[1].state == root
    assert [tx.id for tx in on.mempool] == [transfer(0).id]
    on.import_block(good, decoded(on, good), 3)
    assert on.head.id == good.id


def test_refusals_name_both_values() -> None:
    on = ledger()
    good = make(on, 1)
    bad = resealed(good, state=OTHER)
    with pytest.raises(Refusal) as refused:
        on.import_block(bad, [], 1)
    assert OTHER.hex() in refused.value.reason
    assert good.header.state.hex() in refused.value.reason


def test_what_is_not_known_or_not_yet_is_declined_not_invalid() -> None:
    on, other = ledger(), ledger()
    first = grow(other, 1)
    second = grow(other, 2)
    with pytest.raises(Declined, match="unknown-parent"):
        on.import_block(second, [], 2)
    far = make(other, 9)
    with pytest.raises(Declined, match="future-slot"):
        other.import_block(far, [], 7)
    other.import_block(far, [], 8)
    on.import_block(first, [], 1)
    with pytest.raises(Declined, match="already-known"):
        on.import_block(first, [], 1)


def test_a_third_block_of_an_author_in_a_slot_is_declined() -> None:
    made: list[tuple[Ledger, Block]] = []
    for amount in (1, 2, 3):
        on = ledger()
        made.append((on, make(on, 3, transfer(0, amount))))
    target = ledger()
    for on, block in made[:2]:
        target.import_block(block, decoded(on, block), 3)
    with pytest.raises(Declined, match="too-many-in-slot"):
        target.import_block(made[2][1], decoded(target, made[2][1]), 3)
    assert not target.has_block(made[2][1].header.id)


def test_a_third_block_that_another_author_has_built_on_is_taken() -> None:
    """Seed 29 of swarm-12: refusing it parts the network for good."""
    made: list[tuple[Ledger, Block]] = []
    for amount in (1, 2, 3):
        on = ledger()
        made.append((on, grow(on, 3, transfer(0, amount))))
    target = ledger()
    for on, block in made[:2]:
        target.import_block(block, decoded(on, block), 3)
    on, third = made[2]
    other, same_author = make(on, 4), make(on, 6)
    forged = (other.header, bytes(64))
    for above in ((same_author.header, same_author.seal), forged):
        with pytest.raises(Declined, match="too-many-in-slot"):
            target.import_block(third, decoded(on, third), 4, [above])
    target.import_block(third, decoded(on, third), 4, [(other.header, other.seal)])
    target.import_block(other, [], 4)
    assert target.head.id == other.header.id


def test_limits_of_the_genesis() -> None:
    small = genesis(parameters=Parameters(block_transactions_max=2, block_bytes_max=128 * 1024))
    on = ledger(founding=small)
    txs = [transfer(n, founding=small) for n in range(3)]
    for tx in txs:
        on.submit(tx, 1)
    draft = on.propose(1, leader(1))
    assert len(draft.transactions) == 2
    raws = tuple(tx.raw for tx in txs)
    header = replace(draft.header, transactions=list_root(raws))
    seal = on.engine.seal(header, leader(1), 0, range(1))
    assert seal is not None
    with pytest.raises(Refusal, match="too-many-transactions: 3 transactions, at most 2"):
        on.import_block(Block(header, seal, (), raws), txs, 1)


def refused(*bodies: Body) -> str:
    """Why a block with these is refused, by the ledger and the reference alike."""
    on, key = ledger(), KeyPair.from_seed(bytes(32))
    txs = [
        sign_transaction(key, GENESIS.hash, bytes(32), 0, n, 9, body)
        for n, body in enumerate(bodies)
    ]
    raws = tuple(tx.raw for tx in txs)
    header = replace(make(on, 1).header, transactions=list_root(raws))
    seal = on.engine.seal(header, leader(1), 0, range(1))
    assert seal is not None
    block = Block(header, seal, (), raws)
    with pytest.raises(Refusal) as refusal:
        on.import_block(block, txs, 1)
    judged = Reference(GENESIS).judge([encode_block(block)])[encode_block(block)]
    assert judged.code == refusal.value.code
    return str(refusal.value)


def test_a_block_of_too_many_registrations() -> None:
    keys = [
        Key("a", Purpose.ADMIN, bytes(32)),
        Key("g", Purpose.AGREE, bytes([1]) * 32),
        *(Key(f"t{n}", Purpose.TX, bytes([n]) * 32) for n in range(2, 16)),
    ]
    proofs = (bytes(64), b"", *[bytes(64)] * 14)
    alone = Register(DidDocument(tuple(keys)), proofs)
    ward = DidDocument(tuple(keys), controller=bytes(32))
    cared_for = Register(ward, proofs, (bytes(32), bytes(64)))
    assert "too-many" not in refused(*[alone] * 34)
    assert refused(*[alone] * 33, cared_for, cared_for) == (
        "too-many-registrations: did.register weighs 527, at most 512"
    )


def test_a_block_of_too_much_evidence() -> None:
    vote = Vote(0, Checkpoint(ZERO_HASH, 1), Checkpoint(ZERO_HASH, 2))
    body = SubmitEvidence(of_votes(bytes(32), bytes(32), (vote, bytes(64)), (vote, bytes(64))))
    assert refused(*[body] * 33) == "too-much-evidence: gov.evidence weighs 33, at most 32"
    assert "too-much" not in refused(*[body] * 32)


def test_a_block_that_is_too_large() -> None:
    small = genesis(parameters=Parameters(block_bytes_max=128 * 1024))
    on = ledger(founding=small)
    txs = [transfer(n, founding=small) for n in range(700)]
    raws = tuple(tx.raw for tx in txs)
    header = replace(make(on, 1).header, transactions=list_root(raws))
    seal = on.engine.seal(header, leader(1), 0, range(1))
    assert seal is not None
    size = BLOCK_OVERHEAD_BYTES + sum(map(len, raws))
    with pytest.raises(Refusal, match=f"block-too-large: {size} bytes, at most {128 * 1024}"):
        on.import_block(Block(header, seal, (), raws), txs, 1)


def test_a_block_with_a_transaction_that_has_expired() -> None:
    on = ledger()
    late = EXPIRY + 1
    block = with_transactions(make(on, late), transfer(0).raw)
    with pytest.raises(Refusal, match=f"expired: transaction 0, .* {EXPIRY}, now is {late}"):
        on.import_block(block, decoded(on, block), late)
    assert on.head.height == 0


BOTH = {
    "chain": ("wrong-chain", "chain"),
    "parent": ("unknown-parent", "parent"),
    "history": ("wrong-history-root", "history"),
    "set": ("wrong-set", "set_hash"),
    "receipts": ("wrong-receipts-root", "receipts"),
    "transactions": ("wrong-transactions-root", "transactions"),
    "certificates": ("wrong-certificates-hash", "certificates"),
}


@pytest.mark.parametrize("name", BOTH)
def test_hashes_that_differ_are_both_in_the_reason(name: str) -> None:
    code, field = BOTH[name]
    on = ledger()
    good = make(on, 1, transfer(0))
    with pytest.raises(Refusal) as refused:
        on.import_block(resealed(good, None, **{field: OTHER}), decoded(on, good), 1)
    assert refused.value.code == code
    assert OTHER.hex() in refused.value.reason
    if name != "parent":
        assert getattr(good.header, field).hex() in refused.value.reason


def test_a_block_round_trips_and_its_bytes_are_strict() -> None:
    block = make(ledger(), 1, transfer(0))
    raw = encode_block(block)
    assert decode_block(raw) == block
    for bad in (
        raw[:-1],
        raw + b"\0",
        b"",
        b"\x80",
        raw.replace(block.header.raw[:3], b"\x8e\x02\x58"),
    ):
        with pytest.raises(Refusal):
            decode_block(bad)
    with pytest.raises(Malformed, match="state root"):
        decode_block(encode_block(replace(block, header=replace(block.header, state=Hash(b"x")))))


def test_authors_are_the_sorted_authorities_in_turn() -> None:
    assert [leader(slot).did for slot in range(4)] == [
        *(p.did for p in AUTHORITIES),
        AUTHORITIES[0].did,
    ]
