"""The second validator itself: its roots, its books, and every rule it knows."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chain.block import Block, certificates_hash, encode_block
from chain.consensus.engine import HeaderNode
from chain.consensus.selection import engine_of
from chain.parameters import Consensus, Parameters
from chain.primitives import merkle
from chain.primitives.hashing import Hash
from chain.primitives.keys import KeyPair
from chain.state.smt import EMPTY_STATE_ROOT, StateTree
from chain.transactions.body import Body
from chain.transactions.dataset import Parent, Publish
from chain.transactions.document import DidDocument, Key, Purpose
from chain.transactions.envelope import Transaction, sign_transaction
from chain.transactions.identity import Register, give_consent, register
from chain.transactions.payment import Transfer
from testnet.checkers import naive, work
from testnet.checkers.reference import Judgement, Reference
from tests.chain.founding import (
    AUTHORITIES,
    EXPIRY,
    GENESIS,
    genesis,
    grow,
    ledger,
    make,
    resealed,
    transfer,
)

OTHER = Hash(sha256(b"other").digest())
PUBLISH = Publish("t", OTHER, OTHER, "text/plain", 3, "energy")


def words(raws: list[bytes], founding: object = GENESIS) -> list[str]:
    """The codes of all blocks that could be placed, lowest block first."""
    judged = Reference(GENESIS).judge(raws)
    return [j.code for j in sorted(judged.values(), key=lambda j: (j.height, j.code))]


def judge(block: Block, *below: Block) -> Judgement:
    """What is said of a block on others."""
    return Reference(GENESIS).judge([*map(encode_block, below), encode_block(block)])[
        encode_block(block)
    ]


@given(st.lists(st.binary(max_size=5), max_size=40))
@example([b""] * 10 + [b"x", b""])
def test_list_roots_are_those_of_the_ledger(items: list[bytes]) -> None:
    leaves = [naive.leaf(item) for item in items]
    assert naive.list_root(leaves) == merkle.root(items)


def test_known_subtrees_change_no_root() -> None:
    known: naive.Known = {}
    leaves = [naive.leaf(bytes([n])) for n in range(70)]
    for size in range(71):
        assert naive.list_root(leaves[:size], known) == naive.list_root(leaves[:size])


@given(st.dictionaries(st.binary(max_size=3), st.binary(max_size=3), max_size=60))
def test_state_roots_are_those_of_the_ledger(contents: dict[bytes, bytes]) -> None:
    leaves = {}
    for key, value in contents.items():
        path = naive.state_path(key)
        leaves[path] = naive.state_leaf(path, value)
    tree = StateTree(lambda _: None, EMPTY_STATE_ROOT)
    assert naive.state_root(leaves) == tree.update(contents).root


def test_the_first_block_is_that_of_the_ledger() -> None:
    first = ledger().block_at(0)
    assert first is not None
    assert Reference(GENESIS).founding() == first.header


@given(
    st.integers(1, 200),
    st.lists(st.integers(1, 40), min_size=1, max_size=30),
)
@settings(max_examples=30, deadline=None)
def test_targets_and_weights_of_work_are_those_of_the_engine(bits: int, steps: list[int]) -> None:
    rules = Parameters(work_target_bits=bits, work_retarget_blocks=3)
    engine = engine_of(genesis(Consensus.WORK, rules))
    header = Reference(GENESIS).founding()
    chain = [HeaderNode(header, b"", 0, 0)]
    for height, gap in enumerate(steps, 1):
        above = chain[-1]
        nodes = {node.id: node for node in chain}
        target = engine.target(above, nodes.__getitem__)
        if above.height == 0:
            expected = work.first_target(rules)
        elif above.height % 3:
            expected = above.target
        else:
            taken = above.slot - chain[above.height - 3].slot
            expected = work.next_target(above.target, taken, 3, rules)
        assert target == expected
        assert engine.weight(target) == work.weight(target)
        child = replace(above.header, height=height, slot=above.slot + gap, parent=above.id)
        chain.append(HeaderNode(child, b"", 0, target))


def test_every_kind_of_transaction_good_and_failed() -> None:
    on = ledger()
    alice, bob = AUTHORITIES[0], AUTHORITIES[1]
    admin, tx = KeyPair.from_seed(bytes(32)), KeyPair.from_seed(bytes([1]) * 32)
    agree = KeyPair.from_seed(bytes([2]) * 32).public
    document = DidDocument(
        (
            Key("a", Purpose.ADMIN, admin.public),
            Key("t", Purpose.TX, tx.public),
            Key("g", Purpose.AGREE, agree),
        )
    )
    signers = {admin.public: admin, tx.public: tx}
    birth = register(document, GENESIS.hash, signers)

    def signed(sequence: int, body: Body) -> Transaction:
        return sign_transaction(alice.tx, GENESIS.hash, alice.did, 0, sequence, EXPIRY, body)

    published = signed(0, PUBLISH)
    child = replace(PUBLISH, parents=(Parent(published.id, "version"),))
    orphan = replace(PUBLISH, parents=(Parent(OTHER, "version"),))
    blocks = [
        grow(on, 1, published, sign_transaction(tx, GENESIS.hash, document.id, 3, 0, 9, birth)),
        grow(on, 2, signed(1, child), signed(2, Transfer("CNY", alice.did, 5))),
        grow(on, 3, signed(3, Transfer("CNY", document.id, 1_000_000))),
        grow(on, 4, sign_transaction(tx, GENESIS.hash, document.id, 3, 1, 9, birth)),
    ]
    waiting = [orphan, Transfer("CNY", OTHER, 1), Transfer("USD", bob.did, 1)]
    again = [
        sign_transaction(tx, GENESIS.hash, document.id, 5, n, EXPIRY, body)
        for n, body in enumerate(waiting)
    ]
    draft_of = ledger()
    assert draft_of.head.height == 0
    blocks.append(forced(on, 5, again))
    judged = Reference(GENESIS).judge(map(encode_block, blocks))
    assert len(judged) == 6
    assert [j.code for j in judged.values()] == [""] * 6
    assert sum(amount for _, amount in judged[encode_block(blocks[-1])].sums) == 3_000_000


def forced(on: object, slot: int, transactions: list[Transaction]) -> Block:
    """A block with transactions that no mempool would keep, since they are going to fail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chain.ledger.select", lambda *_: transactions)
        return make(on, slot)  # type: ignore[arg-type]


SPOILT = {
    "chain": "wrong-chain",
    "history": "wrong-history-root",
    "transactions": "wrong-transactions-root",
    "receipts": "wrong-receipts-root",
    "state": "wrong-state-root",
    "certificates": "wrong-certificates-hash",
    "set_hash": "wrong-set",
}


@pytest.mark.parametrize(("field", "code"), SPOILT.items())
def test_each_root_of_a_header_is_checked(field: str, code: str) -> None:
    on = ledger()
    first = grow(on, 1, transfer(0))
    assert judge(resealed(make(on, 2, transfer(1)), **{field: OTHER}), first).code == code


def test_each_number_of_a_header_is_checked() -> None:
    on = ledger()
    first, block = grow(on, 4, transfer(0)), make(on, 5, transfer(1))
    assert judge(block, first).good
    assert judge(resealed(block, height=3), first).code == "wrong-height"
    assert judge(resealed(block, slot=2), first).code == "wrong-slot"
    assert judge(resealed(block, slot=4), first).code == "wrong-slot"
    assert judge(resealed(block, slot=6), first).code == "wrong-author"
    assert judge(resealed(block, set_id=1), first).code == "wrong-set"
    assert judge(resealed(block, next_set=bytes(32)), first).code == "wrong-next-set"
    stranger = AUTHORITIES[0].author
    assert judge(resealed(block, by=stranger), first).code == "wrong-seal"


def test_what_is_beside_the_header_is_checked() -> None:
    on = ledger()
    first, block = grow(on, 1), make(on, 2, transfer(0))
    with_certificate = replace(block, certificates=(b"c",))
    assert judge(with_certificate, first).code == "wrong-certificates-hash"
    named = resealed(with_certificate, certificates=certificates_hash((b"c",)))
    assert judge(named, first).code == "certificate-malformed"
    assert judge(replace(block, transactions=()), first).code == "wrong-transactions-root"
    assert judge(replace(block, seal=b"x" * 64), first).code == "wrong-seal"
    raw = bytearray(block.transactions[0])
    raw[-1] ^= 1
    root = Hash(merkle.root([bytes(raw)]))
    forged = resealed(replace(block, transactions=(bytes(raw),)), transactions=root)
    assert judge(forged, first).code == "bad-signature"
    root = Hash(merkle.root([b"nonsense"]))
    nonsense = resealed(replace(block, transactions=(b"nonsense",)), transactions=root)
    assert not judge(nonsense, first).good


def test_work_has_to_be_done() -> None:
    hard = genesis(Consensus.WORK, Parameters(work_target_bits=8))
    on = ledger(founding=hard)
    block = make(on, 1)
    lazy = next(
        lazy
        for nonce in range(256)
        if (lazy := replace(block, seal=nonce.to_bytes(8, "big"))).seal != block.seal
        and sha256(lazy.id + lazy.seal).digest()[0]
    )
    short = replace(block, seal=block.seal[1:])
    judged = Reference(hard).judge([encode_block(each) for each in (block, lazy, short)])
    assert [judgement.code for judgement in judged.values()] == [
        "",
        "",
        "too-little-work",
        "wrong-seal",
    ]


def test_a_genesis_limits_blocks() -> None:
    small = Parameters(block_bytes_max=131_072, block_transactions_max=2)
    founding, strict = genesis(), genesis(parameters=small)
    assert founding.hash != strict.hash
    on = ledger(founding=strict)
    few = [transfer(n, founding=strict) for n in range(3)]
    block = make(on, 1, *few)
    assert len(block.transactions) == 2
    root = Hash(merkle.root([tx.raw for tx in few]))
    many = resealed(replace(block, transactions=tuple(tx.raw for tx in few)), transactions=root)
    judged = Reference(strict).judge([encode_block(many)])
    assert judged[encode_block(many)].code == "too-many-transactions"
    big = (bytes(131_072),)
    large = resealed(replace(block, transactions=big), transactions=Hash(merkle.root(big)))
    judged = Reference(strict).judge([encode_block(large)])
    assert judged[encode_block(large)].code == "block-too-large"


def includable(tx: Transaction, slot: int = 2) -> str:
    """The code of a block with one transaction."""
    on = ledger()
    block = make(on, slot)
    raw = (tx.raw,)
    return judge(
        resealed(replace(block, transactions=raw), transactions=Hash(merkle.root(raw)))
    ).code


def test_what_no_block_may_contain() -> None:
    alice, chain = AUTHORITIES[0], GENESIS.hash
    pay = Transfer("CNY", AUTHORITIES[1].did, 1)

    def by(key: KeyPair, sender: bytes, sequence: int, expiry: int, body: Body) -> Transaction:
        return sign_transaction(key, chain, sender, 0, sequence, expiry, body)

    assert includable(by(alice.tx, alice.did, 0, 2, pay)) == "wrong-receipts-root"
    assert includable(by(alice.tx, alice.did, 0, 1, pay)) == "expired"
    assert includable(by(alice.tx, alice.did, 0, 20_000, pay)) == "expiry-too-far"
    assert includable(by(alice.tx, alice.did, 1, 9, pay)) == "wrong-sequence"
    assert includable(by(alice.tx, OTHER, 0, 9, pay)) == "unknown-sender"
    assert includable(by(alice.seal, alice.did, 0, 9, pay)) == "key-not-live"
    stranger = sign_transaction(alice.tx, OTHER, alice.did, 0, 0, 9, pay)
    assert includable(stranger) == "bad-signature"


def test_registrations_that_no_block_may_contain() -> None:
    chain, alice = GENESIS.hash, AUTHORITIES[0]
    admin, tx = KeyPair.from_seed(bytes(32)), KeyPair.from_seed(bytes([1]) * 32)
    keys = (Key("a", Purpose.ADMIN, admin.public), Key("t", Purpose.TX, tx.public))
    signers = {admin.public: admin, tx.public: tx}

    def born(document: DidDocument, body: Register, key: KeyPair = tx) -> str:
        return includable(sign_transaction(key, chain, document.id, 0, 0, 9, body))

    free = DidDocument(keys)
    good = register(free, chain, signers)
    assert born(free, good) == "wrong-receipts-root"
    assert born(free, good, admin) == "key-not-live"
    assert born(free, Register(free, (good.proofs[1], good.proofs[0]))) == "did-proof"
    assert includable(sign_transaction(tx, chain, OTHER, 0, 0, 9, good)) == "did-mismatch"
    ward = DidDocument(keys, controller=alice.did)
    owner = KeyPair.from_seed(sha256(b"authority0/a").digest())
    if owner.public not in [key.public for key in alice.document.keys]:
        owner = next(
            pair
            for pair in (
                KeyPair.from_seed(sha256(f"authority{n}/a".encode()).digest()) for n in range(3)
            )
            if pair.public in [key.public for key in alice.document.keys]
        )
    consent = give_consent(owner, chain, ward.id)
    assert born(ward, register(ward, chain, signers, consent)) == "wrong-receipts-root"
    wrong = give_consent(admin, chain, ward.id)
    assert born(ward, register(ward, chain, signers, wrong)) == "did-consent"
    other = give_consent(owner, chain, free.id)
    assert born(ward, register(ward, chain, signers, other)) == "did-consent"
    orphan = DidDocument(keys, controller=OTHER)
    assert born(orphan, register(orphan, chain, signers, consent)) == "did-controller"


def test_whatever_stands_on_a_bad_block_is_bad_and_what_stands_on_nothing_is_left_out() -> None:
    on = ledger()
    first, second = grow(on, 1), grow(on, 2)
    third = grow(on, 3)
    bad = resealed(first, state=OTHER)
    child = resealed(second, parent=bad.id)
    grandchild = resealed(third, parent=child.id)
    raws = list(map(encode_block, (grandchild, child, bad)))
    assert words(raws) == ["", "wrong-state-root", "invalid-parent", "invalid-parent"]
    assert words([encode_block(third)]) == [""]
    both = list(map(encode_block, (first, second, third, bad)))
    assert words(both) == ["", "", "wrong-state-root", "", ""]


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_the_second_validator_takes_whatever_chains_the_ledger_makes(data: st.DataObject) -> None:
    on = ledger()
    raws: list[bytes] = []
    sequences, slot = [0, 0, 0], 0
    for _ in range(data.draw(st.integers(1, 5))):
        transactions = []
        for payer in data.draw(st.lists(st.integers(0, 2), max_size=4)):
            amount = data.draw(st.sampled_from([1, 999_999, 1_000_000, 1_000_001]))
            payee = data.draw(st.integers(0, 2))
            tx = transfer(sequences[payer], amount, payer=payer, payee=payee)
            sequences[payer] += 1
            transactions.append(tx)
        slot += data.draw(st.integers(1, 4))
        block = forced(on, slot, transactions)
        on.import_block(block, transactions, slot)
        raws.append(encode_block(block))
    judged = Reference(GENESIS).judge(data.draw(st.permutations(raws)))
    assert [j.code for j in judged.values()] == [""] * (len(raws) + 1)
