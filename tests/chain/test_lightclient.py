"""A light client: handovers, final headers, checkpoints, and what it refuses."""

from dataclasses import replace

import pytest

from chain.consensus.finality.vote import Checkpoint, Vote
from chain.finalproof import FinalHeader, Handover
from chain.genesis import Genesis
from chain.lightclient import LightClient, TrustedCheckpoint, decode_checkpoint
from chain.parameters import Consensus
from chain.primitives.errors import Invalid, Refusal
from chain.primitives.hashing import Hash
from tests.chain.consensus.finality.world import certify
from tests.chain.founding import genesis
from tests.chain.receipts.world import Paying, handed_over
from tests.chain.sets import BY_ID


def certified(paying: Paying, header_at: int, set_id: int = 0, **fields: object) -> FinalHeader:
    """A header of the chain, changed, that its whole set makes final: even a lie."""
    header = replace(paying.blocks[header_at - 1].header, **fields)  # type: ignore[arg-type]
    authorities = paying.on.finality.sets.numbered(set_id)
    people = tuple(BY_ID[member.did] for member in authorities.members)
    link = Vote(set_id, Checkpoint(header.id, header.slot), Checkpoint(header.id, header.slot + 1))
    return FinalHeader(header, certify(link, people, range(len(people)), paying.genesis.hash))


def handover(chain: Paying) -> Handover:
    return chain.on.handovers.of(1)


def test_it_follows_final_headers_and_handovers_from_the_genesis() -> None:
    chain = handed_over()
    client = LightClient.from_genesis(chain.genesis)
    assert (client.height, client.checkpoint()) == (0, None)
    assert client.finalize(certified(chain, 1))
    assert not client.finalize(certified(chain, 1))
    client.hand_over(handover(chain))
    assert client.authorities == chain.authorities
    assert client.header == handover(chain).final.header
    assert client.checkpoint() is None  # the newest final header is of the set before
    later = certified(chain, len(chain.blocks), 1)
    assert client.finalize(later)
    checkpoint = client.checkpoint()
    assert checkpoint == TrustedCheckpoint(later.header, chain.authorities)
    assert checkpoint is not None
    again = LightClient.from_checkpoint(chain.genesis.hash, decode_checkpoint(checkpoint.encode()))
    assert (again.header, again.authorities) == (client.header, client.authorities)


def test_a_later_set_counts_only_after_its_handover() -> None:
    chain = handed_over()
    client = LightClient.from_genesis(chain.genesis)
    later = certified(chain, len(chain.blocks), 1)
    with pytest.raises(Invalid, match="wrong-set"):
        client.finalize(later)
    client.hand_over(handover(chain))
    with pytest.raises(Invalid, match="wrong-set"):
        client.finalize(certified(chain, 1))
    with pytest.raises(Invalid, match="wrong-set"):
        client.hand_over(handover(chain))


def test_a_certificate_of_a_former_set_ends_nothing() -> None:
    chain = handed_over()
    honest = handover(chain)
    other = replace(honest, next_set=replace(honest.next_set, id=2))
    client = LightClient.from_genesis(chain.genesis)
    with pytest.raises(Invalid, match="wrong-next-set"):
        client.hand_over(other)
    unnamed = replace(honest, final=certified(chain, 1))
    with pytest.raises(Invalid, match="names no next set"):
        client.hand_over(unnamed)
    assert client.authorities == chain.genesis.authority_set


@pytest.mark.parametrize(
    "lie",
    [
        {"state": Hash(bytes(32))},  # another block of the same height and slot
        {"height": 9},  # higher, and not later
        {"slot": 9},  # later, and not higher
    ],
)
def test_a_final_header_that_contradicts_another_is_a_conflict(lie: dict[str, object]) -> None:
    chain = handed_over()
    client = LightClient.from_genesis(chain.genesis)
    client.finalize(certified(chain, 1))
    known = client.header
    with pytest.raises(Invalid, match="conflicting-final"):
        client.finalize(certified(chain, 1, **lie))
    assert client.header == known


def test_headers_of_another_chain_and_networks_without_votes_are_refused() -> None:
    chain = handed_over()
    client = LightClient.from_genesis(chain.genesis)
    with pytest.raises(Invalid, match="wrong-network"):
        client.finalize(certified(chain, 1, chain=Hash(bytes(32))))
    work: Genesis = genesis(Consensus.WORK)
    with pytest.raises(Invalid, match="never-final"):
        LightClient.from_genesis(work)
    checkpoint = TrustedCheckpoint(chain.blocks[0].header, chain.genesis.authority_set)
    with pytest.raises(Invalid, match="wrong-network"):
        LightClient.from_checkpoint(work.hash, checkpoint)


def test_checkpoints_are_decoded_strictly() -> None:
    chain = handed_over()
    raw = TrustedCheckpoint(chain.blocks[0].header, chain.genesis.authority_set).encode()
    assert decode_checkpoint(raw).encode() == raw
    for wrong in (raw + b"\x00", raw[:-1], raw.replace(b"checkpoint/1", b"checkpoint/2")):
        with pytest.raises(Refusal):
            decode_checkpoint(wrong)
    with pytest.raises(Invalid, match="wrong-set"):
        TrustedCheckpoint(chain.blocks[0].header, chain.authorities)
