"""A network that lost more than a third of its authorities for good, and the file that helps."""

from dataclasses import replace

import pytest

from chain.block import Block, encode_block
from chain.consensus.authorityset import AuthoritySet, member
from chain.consensus.finality.recovery import Recovery, decode_recovery
from chain.consensus.finality.vote import Checkpoint, Vote
from chain.consensus.selection import engine_of
from chain.ledger import Ledger
from chain.ledger_events import FinalityAlarm
from chain.lightclient import TrustedCheckpoint
from chain.primitives.errors import Declined, Invalid, Refusal
from chain.primitives.hashing import Hash
from chain.receipts.finality import Basis
from chain.receipts.making import ReceiptMaker
from chain.receipts.state import verify_state_receipt
from chain.receipts.steps import Unproven
from chain.state import paths
from chain.store import MemoryStore
from chain.transactions.governance_seats import seated_since, set_in_force
from testnet.checkers.books import Broken
from testnet.checkers.reference import Reference
from tests.chain.consensus.finality.world import sign
from tests.chain.founding import decoded
from tests.chain.sets import BY_ID, PEOPLE, Chain, change
from tests.parties import Party

LEFT = 4
LATER = 40


class Ruined(Chain):
    """Seven authorities, of whom the last three are gone; perhaps others than in the beginning."""

    def __init__(self, *, handed_over: bool = False) -> None:
        super().__init__(7)
        if handed_over:
            self.finish(self.decide(change(PEOPLE[6:7], PEOPLE[7:8]), PEOPLE[:6]))
        self.grow()
        self.finalize()
        self.grow()
        self.finalize()
        self.grow()
        self.left = self.authorities.members[:LEFT]
        self.tip = self.grow()
        self.void = self.grow()

    @property
    def keepers(self) -> list[Party]:
        """Those who are left."""
        return [BY_ID[seat.did] for seat in self.left]

    def recovery(self, block: Block | None = None) -> Recovery:
        """The file, not signed yet."""
        at = (block or self.tip).header
        following = AuthoritySet(self.authorities.id + 1, self.left)
        return Recovery(
            self.genesis.hash, at.id, at.height, at.slot, self.authorities, following, "fire"
        )

    def signed(self, count: int = LEFT, block: Block | None = None) -> Recovery:
        """The file, signed by so many."""
        recovery = self.recovery(block)
        for keeper in self.keepers[:count]:
            recovery = recovery.signed(keeper.vote)
        return recovery

    def recover(self) -> None:
        """Those who are left take over, and what they make becomes final."""
        self.on.recover(self.signed(), LATER)
        for _ in range(3):
            block = self.grow()
            self.agree(Checkpoint(block.id, block.header.slot))

    def agree(self, target: Checkpoint) -> None:
        """Those who are left vote for it."""
        standing = self.on.finality.standing(target.block)
        link = Vote(standing.set_id, standing.newest, target)
        for place, seat in enumerate(self.on.finality.authorities(target.block).members):
            if seat in self.left:
                signed = sign(link, place, BY_ID[seat.did], self.genesis.hash)
                self.on.add_vote(signed, target.epoch)


def test_a_network_that_lost_three_of_seven_goes_on_with_four() -> None:
    chain = Ruined()
    final = chain.on.finality.finalized
    chain.agree(Checkpoint(chain.void.id, chain.on.head.slot))
    assert chain.on.finality.finalized == final
    assert chain.on.finality.justified.block != chain.void.id
    recovery = chain.signed()
    events = chain.on.recover(decode_recovery(recovery.encode()), LATER)
    alarm = next(event for event in events if isinstance(event, FinalityAlarm))
    assert alarm.code == "recovered"
    assert "fire" in alarm.reason
    assert chain.on.head.id == chain.tip.id
    assert chain.on.finality.finalized.block == chain.tip.id
    assert chain.authorities == recovery.following
    assert chain.on.recoveries == [recovery]
    for _ in range(2):
        block = chain.grow()
        assert block.header.set_id == 1
        chain.agree(Checkpoint(block.id, block.header.slot))
    assert set_in_force(chain.on.state) == recovery.following
    final_now = chain.on.node(chain.on.finality.finalized.block)
    assert final_now is not None
    assert final_now.height > chain.tip.header.height
    raws = [encode_block(each) for each in chain.blocks]
    followed = Reference(chain.genesis, [recovery.encode()]).judge(raws)
    codes = [each.code for each in followed.values()]
    assert codes.count("") == len(raws), "the founding block, and all but the void one"
    assert codes.count("wrong-set") == 1
    assert chain.judged().count("") == len(raws) - 1, "without the file it is the void one's chain"


def test_loaded_twice_it_changes_nothing_and_another_one_is_refused() -> None:
    chain = Ruined()
    recovery = chain.signed()
    other = replace(chain.recovery(), reason="flood")
    chain.on.recover(recovery, LATER)
    assert chain.on.recover(recovery, LATER) == []
    for keeper in chain.keepers:
        other = other.signed(keeper.vote)
    with pytest.raises(Refusal, match="recovery-other"):
        chain.on.recover(other, LATER)


def test_what_stood_on_the_block_is_void_also_after_a_restart() -> None:
    store = MemoryStore()
    chain = Ruined()
    other = Ledger(chain.genesis, store, engine_of(chain.genesis))
    for block in chain.blocks:
        other.import_block(block, decoded(other, block), LATER)
    recovery = chain.signed()
    for ledger in (other, chain.on):
        ledger.recover(recovery, LATER)
    again = Ledger(chain.genesis, store, engine_of(chain.genesis))
    assert again.head.id == chain.tip.id
    block = chain.grow()
    again.import_block(block, decoded(again, block), LATER)
    assert again.head.id == block.id


def test_a_node_that_begins_anew_follows_with_the_file_and_not_without() -> None:
    chain = Ruined()
    recovery = chain.signed()
    chain.on.recover(recovery, LATER)
    block = chain.grow()
    chain.blocks.remove(chain.void)
    without = Ledger(chain.genesis, MemoryStore(), engine_of(chain.genesis))
    fresh = Ledger(chain.genesis, MemoryStore(), engine_of(chain.genesis))
    assert fresh.recover(recovery, LATER) == []
    for each in chain.blocks[:-1]:
        for ledger in (without, fresh):
            ledger.import_block(each, decoded(ledger, each), LATER)
    assert fresh.finality.finalized.block == chain.tip.id
    fresh.import_block(block, decoded(fresh, block), LATER)
    assert fresh.head.id == block.id
    with pytest.raises(Refusal, match="wrong-set"):
        without.import_block(block, decoded(without, block), LATER)


def test_a_wrong_file_is_refused_with_its_reason() -> None:
    chain = Ruined()
    good = chain.signed()
    stranger = PEOPLE[8].vote
    first_key, first = good.signatures[0]
    broken = bytes([first[0] ^ 1]) + first[1:]
    below = chain.signed(block=chain.blocks[0])
    cases = {
        "recovery-unsigned": chain.signed(2),
        "wrong-chain": replace(good, chain=Hash(bytes(32))),
        "recovery-signature": replace(good, signatures=((first_key, broken), *good.signatures[1:])),
        "recovery-signer": replace(good, signatures=((stranger.public, first),)),
        "recovery-below-final": below,
        "recovery-set": replace(good, following=chain.authorities),
    }
    for code, recovery in cases.items():
        with pytest.raises(Invalid) as refused:
            chain.on.recover(recovery, LATER)
        assert refused.value.code == code
        assert chain.on.recoveries == []
        if code != "recovery-below-final":
            with pytest.raises(Broken) as judged:
                Reference(chain.genesis, [recovery.encode()])
            assert judged.value.code == code
    assert chain.on.head.id == chain.void.id
    with pytest.raises(Invalid, match="recovery-signer"):
        chain.recovery().signed(stranger)


def test_a_set_of_newcomers_needs_more_than_a_third_of_those_in_force() -> None:
    chain = Ruined()
    newcomers = AuthoritySet.of(
        1, [*chain.left[:1], *(member(p.did, p.document.keys) for p in PEOPLE[7:])]
    )
    recovery = replace(chain.recovery(), following=newcomers)
    for party in (*chain.keepers[:1], *PEOPLE[7:]):
        recovery = recovery.signed(party.vote)
    with pytest.raises(Invalid, match="1 of the 7 authorities in force"):
        chain.on.recover(recovery, LATER)
    for party in chain.keepers[1:3]:
        recovery = recovery.signed(party.vote)
    chain.on.recover(recovery, LATER)
    assert chain.authorities == newcomers
    chain.grow()
    since = {who: seated_since(chain.on.state, who.did) for who in (chain.keepers[0], *PEOPLE[7:])}
    assert since == {who: 0 if who == chain.keepers[0] else 1 for who in since}


def test_behind_a_recovery_receipts_are_verified_from_a_checkpoint() -> None:
    chain = Ruined()
    maker, before = ReceiptMaker(chain.on), chain.blocks[0].header
    chain.on.recover(chain.signed(), LATER)
    with pytest.raises(Declined, match="not-final"):
        maker.newest()
    for _ in range(3):
        block = chain.grow()
        chain.agree(Checkpoint(block.id, block.header.slot))
    newest = maker.newest()
    newest.check(chain.genesis.hash, chain.authorities)
    trusted = Basis(chain.genesis, TrustedCheckpoint(newest.header, chain.authorities))
    for header in (before, chain.tip.header, newest.header):
        assert maker.proof(header).verify(trusted).authorities == chain.authorities
    state = maker.state(paths.AUTHORITY_SET)
    assert verify_state_receipt(state, trusted).value == chain.authorities.raw
    with pytest.raises(Unproven, match="wrong-set"):
        verify_state_receipt(state, Basis(chain.genesis))
