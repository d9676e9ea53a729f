"""Receipts of transactions: from genesis alone, across changes of the authorities, and no lie."""

from dataclasses import replace

import pytest

from chain.consensus.finality.vote import Checkpoint, Vote
from chain.finalproof import FinalHeader
from chain.lightclient import TrustedCheckpoint
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash
from chain.receipts.finality import Basis
from chain.receipts.steps import Step, Unproven
from chain.receipts.transaction import (
    decode_transaction_receipt,
    verify_transaction_receipt,
)
from chain.transactions.governance_actions import ChangeAuthorities
from tests.chain.consensus.finality.world import certify
from tests.chain.receipts.world import Paying, handed_over, settled, speakers
from tests.chain.sets import BY_ID, PEOPLE, change, network

CHANGES = {
    "one added": change(added=PEOPLE[5:6]),
    "one removed": change(removed=PEOPLE[4:5]),
    "one replaced": change(PEOPLE[4:5], PEOPLE[5:6]),
    "three at once": change(PEOPLE[1:4], PEOPLE[5:8]),
    "fully disjoint": change(PEOPLE[:5], PEOPLE[5:9]),
}


@pytest.mark.parametrize("wanted", CHANGES.values(), ids=CHANGES)
def test_receipts_before_and_after_a_change_verify_from_genesis_alone(
    wanted: ChangeAuthorities,
) -> None:
    chain = Paying(5)
    chain.payment()
    early = chain.receipt_when_final()
    deciding = chain.decide(wanted, PEOPLE[:4])
    chain.payment()  # in a block of the old set, behind the one that decided
    chain.finish(deciding)
    chain.payment()
    chain.finalize()
    receipts = [early, *map(chain.receipt, chain.paid)]
    assert [len(receipt.proof.handovers) for receipt in receipts] == [0, 0, 1, 1]
    genesis = Basis(type(chain.genesis).decode(chain.genesis.encode()))
    for receipt, tx in zip(receipts, [chain.paid[0], *chain.paid], strict=True):
        read = decode_transaction_receipt(receipt.encode())
        assert read == receipt
        proven = verify_transaction_receipt(read, genesis)
        assert proven.transaction.id == tx.id
        assert proven.result.ok
        assert proven.signers >= proven.authorities.quorum


def test_nothing_has_a_receipt_before_it_is_final() -> None:
    chain = Paying(4)
    chain.grow()
    chain.finalize()
    chain.payment()
    with pytest.raises(Declined, match="block 3 is not final yet: final is block 1") as caught:
        chain.receipt(chain.paid[0])
    assert caught.value.code == "not-final"
    with pytest.raises(Declined, match="not-final"):
        Paying(4).maker.state(b"set/cur")


def test_the_block_itself_may_be_the_final_one() -> None:
    chain = Paying(4)
    chain.payment()
    receipt = chain.receipt_when_final()
    assert receipt.history_path == ()
    assert receipt.header == receipt.proof.header
    verify_transaction_receipt(receipt, chain.basis)


def refused(chain: Paying, step: Step, **fields: object) -> str:
    """Why the chain's receipt with these fields is refused, which must be at that step."""
    receipt = replace(chain.receipt(chain.paid[0]), **fields)  # type: ignore[arg-type]
    with pytest.raises(Unproven) as caught:
        verify_transaction_receipt(decode_transaction_receipt(receipt.encode()), chain.basis)
    assert caught.value.step is step, caught.value
    assert caught.value.code == f"receipt-{step}"
    return caught.value.reason


def test_each_step_refuses_its_lie_and_names_both_values() -> None:
    chain = settled()
    honest = chain.receipt(chain.paid[0])
    other = chain.blocks[0].header
    block = chain.on.block(honest.header.id)
    assert block is not None
    neighbour = block.transactions[0]
    results = chain.on.encoded_receipts(honest.header.id)
    reason = refused(chain, Step.HISTORY, header=replace(honest.header, slot=99))
    assert honest.proof.header.history.hex() in reason
    path = chain.maker.history(other, honest.proof.header)
    reason = refused(chain, Step.INCLUSION, header=other, history_path=path)
    assert other.transactions.hex() in reason
    reason = refused(chain, Step.INCLUSION, transaction=neighbour)
    assert honest.header.transactions.hex() in reason
    reason = refused(chain, Step.RESULT, result=results[0])
    assert honest.header.receipts.hex() in reason
    refused(chain, Step.INCLUSION, sides=honest.sides ^ 1)
    foreign = replace(honest.header, chain=Hash(bytes(32)))
    assert bytes(32).hex() in refused(chain, Step.NETWORK, header=foreign)


def test_a_receipt_of_another_network_is_refused() -> None:
    chain = settled()
    with pytest.raises(Unproven, match="network: wrong-network"):
        verify_transaction_receipt(chain.receipt(chain.paid[0]), Basis(network(5)))


def test_a_certificate_must_be_of_a_quorum_for_this_header_and_adjacent() -> None:
    chain = settled()
    honest = chain.receipt(chain.paid[0])
    final = honest.proof.final
    vote = final.certificate.vote
    people = tuple(BY_ID[member.did] for member in chain.genesis.authority_set.members)

    def certified(link: Vote, signers: range) -> str:
        certificate = certify(link, people, signers, chain.genesis.hash)
        proof = replace(honest.proof, final=FinalHeader(final.header, certificate))
        return refused(chain, Step.CERTIFICATE, proof=proof)

    assert "2 of 4 signed, 3 are needed" in certified(vote, range(2))
    far = Checkpoint(vote.target.block, vote.target.epoch + 1)
    assert "not-adjacent" in certified(replace(vote, target=far), range(4))
    elsewhere = Checkpoint(chain.blocks[0].id, vote.source.epoch)
    assert final.header.id.hex() in certified(replace(vote, source=elsewhere), range(4))
    strangers = certify(vote, tuple(reversed(people)), range(4), chain.genesis.hash)
    proof = replace(honest.proof, final=FinalHeader(final.header, strangers))
    assert "does not verify" in refused(chain, Step.CERTIFICATE, proof=proof)


def test_every_handover_is_needed_and_in_its_place() -> None:
    chain = handed_over()
    honest = chain.receipt(chain.paid[0])
    (handover,) = honest.proof.handovers
    missing = replace(honest.proof, handovers=())
    assert "set 1" in refused(chain, Step.CERTIFICATE, proof=missing)
    twice = replace(honest.proof, handovers=(handover, handover))
    refused(chain, Step.HANDOVERS, proof=twice)
    wrong = replace(handover, next_set=chain.genesis.authority_set)
    refused(chain, Step.HANDOVERS, proof=replace(honest.proof, handovers=(wrong,)))


def test_who_has_a_checkpoint_believes_no_earlier_set() -> None:
    chain = handed_over()
    receipt = chain.receipt(chain.paid[0])
    checkpoint = TrustedCheckpoint(receipt.proof.header, chain.authorities)
    verify_transaction_receipt(receipt, replace(chain.basis, checkpoint=checkpoint))
    early = settled()
    late = Basis(early.genesis, checkpoint)
    assert speakers(chain) != speakers(early)
    with pytest.raises(Unproven, match="certificate: wrong-set"):
        verify_transaction_receipt(early.receipt(early.paid[0]), late)
