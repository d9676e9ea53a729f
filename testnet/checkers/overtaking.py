"""Recoveries as the second validator reads them: from docs/spec/consensus.md, section 9, alone."""

from dataclasses import dataclass

from chain.block import Header
from chain.primitives import cbor
from chain.primitives.cbor import Value
from chain.primitives.keys import verify
from testnet.checkers.books import Broken
from testnet.checkers.council import Seat, set_hash

FORMAT = "cornerstone-recovery/1"
CONTEXT = "cornerstone/recovery/1"


@dataclass(frozen=True, slots=True)
class Overtaking:
    """Behind which block another set is in force than the one whose hash is `before`."""

    block: bytes
    height: int
    slot: int
    before: bytes
    set_id: int
    members: tuple[Seat, ...]

    def fits(self, header: Header, before: bytes) -> bool:
        """Whether a good block with that set behind it is where the file says."""
        there = (header.id, header.height, header.slot, before)
        return there == (self.block, self.height, self.slot, self.before)


def read_recovery(raw: bytes, chain: bytes) -> Overtaking:
    """A file that enough have signed. Raises Broken."""
    match cbor.decode(raw):
        case [
            str(form),
            bytes(of),
            bytes(block),
            int(height),
            int(slot),
            bytes(old),
            bytes(new),
            str(reason),
            [*pairs],
        ] if form == FORMAT:
            pass
        case _:
            raise Broken("recovery-format", "not the shape of a recovery")
    old_id, old_seats = _read_set(old)
    new_id, new_seats = _read_set(new)
    before, after = set_hash(old_id, old_seats), set_hash(new_id, new_seats)
    if of != chain:
        raise Broken("wrong-chain", of.hex())
    if new_id != old_id + 1:
        raise Broken("recovery-set", f"{new_id} after {old_id}")
    signed = cbor.encode([CONTEXT, of, block, height, slot, before, after, reason])
    signers = [_signer(pair, signed, (*old_seats, *new_seats)) for pair in pairs]
    yes = [sum(seat.vote in signers for seat in seats) for seats in (old_seats, new_seats)]
    if not (3 * yes[0] > len(old_seats) and 3 * yes[1] > 2 * len(new_seats)):
        raise Broken("recovery-unsigned", f"{yes[0]} of the old and {yes[1]} of the new set")
    return Overtaking(block, height, slot, before, new_id, new_seats)


def _read_set(raw: bytes) -> tuple[int, tuple[Seat, ...]]:
    match cbor.decode(raw):
        case [int(set_id), [*members]]:
            return set_id, tuple(_seat(member) for member in members)
        case _:
            raise Broken("recovery-format", "not the shape of a set")


def _seat(member: Value) -> Seat:
    match member:
        case [bytes(did), [*seals], bytes(vote)]:
            return Seat(did, tuple(seal for seal in seals if isinstance(seal, bytes)), vote)
        case _:
            raise Broken("recovery-format", "not the shape of a seat")


def _signer(pair: Value, signed: bytes, seats: tuple[Seat, ...]) -> bytes:
    match pair:
        case [bytes(key), bytes(signature)]:
            pass
        case _:
            raise Broken("recovery-format", "not the shape of a signature")
    if key not in [seat.vote for seat in seats]:
        raise Broken("recovery-signer", key.hex())
    if not verify(key, signed, signature):
        raise Broken("recovery-signature", key.hex())
    return key
