"""Who decides: the seats of the authority set, the organisations behind them, and their voices.

Rules:
- Votes are counted by organisation, however many seats its identities hold. *Why:* whoever runs
  three nodes must not decide three times.
- A voice is a seat in the set in force whose identity still has the role `authority`, of an
  organisation in good standing. *Why:* the vote of who was suspended, removed or convicted is
  dropped at once, while its seat lives on until the handover.
- An identity speaks for its organisation by a seat of its own. *Why:* a department's desk must not
  vote for the whole; and who has nothing to say is turned away after three look-ups, whatever the
  number of seats, for strangers may send as many votes as blocks hold.
- A member's seat dates from the first set of all those, one after the other, that it has been in
  until now, whatever else changed in them. *Why:* what is asked of a member is what it did since
  it has this seat.
- The size of an electorate never shrinks with its voices. *Why:* otherwise taking voices from some
  would make a majority of the rest.
Spec: docs/spec/ledger.md, section 8.
"""

from functools import lru_cache

from chain.consensus.authorityset import AUTHORITIES_MAX, AuthoritySet, decode_set
from chain.primitives import cbor, shape
from chain.state import paths
from chain.state.journal import State
from chain.transactions.governance_actions import SEATED_ROLE
from chain.transactions.identity import Standing, organisation_of, record_of

SETS_CACHED = 8
"""Decoded sets: that in force and the one that waits, on a few branches of the chain."""


def set_in_force(state: State) -> AuthoritySet:
    """The authority set that seals and finalises now."""
    raw = state.get(paths.AUTHORITY_SET)
    assert raw is not None, "there is a set, perhaps an empty one, from the genesis on"
    return _decoded(raw)


def enter_set(state: State, authorities: AuthoritySet) -> None:
    """Have this set in force. The change that was pending is done, or (by a recovery) overtaken."""
    if state.get(paths.AUTHORITY_SET) != authorities.raw:
        since = zip(seats(set_in_force(state)), _since(state), strict=True)
        state.put(paths.SEATED_SINCE, encode_since(authorities, dict(since)))
        state.put(paths.AUTHORITY_SET, authorities.raw)
        state.delete(paths.PENDING_SET)


def seated_since(state: State, did: bytes) -> int | None:
    """The number of the set from which a member's seat dates; None for who has none."""
    place = set_in_force(state).index(did)
    return None if place is None else _since(state)[place]


def _since(state: State) -> list[int]:
    raw = state.get(paths.SEATED_SINCE)
    assert raw is not None, "it is written with the set"
    numbers = shape.items(cbor.decode(raw), AUTHORITIES_MAX, "seated since")
    return [shape.uint(number, what="set id") for number in numbers]


def encode_since(authorities: AuthoritySet, before: dict[bytes, int]) -> bytes:
    """The state value under `set/since` for a set, given what it was for the set before."""
    return cbor.encode([before.get(seat.did, authorities.id) for seat in authorities.members])


def set_decided(state: State) -> AuthoritySet | None:
    """The set that takes over when the block that decided it is final; None when none waits."""
    raw = state.get(paths.PENDING_SET)
    return None if raw is None else _decoded(raw)


def seats(authorities: AuthoritySet | None) -> tuple[bytes, ...]:
    """The identities that have a seat in a set; none in none."""
    return () if authorities is None else tuple(member.did for member in authorities.members)


@lru_cache(SETS_CACHED)
def _decoded(raw: bytes) -> AuthoritySet:
    return decode_set(raw)


def organisations(state: State, identities: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The organisations to which identities belong, ascending, each once."""
    return tuple(sorted({organisation_of(state, did): None for did in identities}))


def voices(state: State, seated: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The organisations whose votes count, given the seats of the set in force."""
    return organisations(state, tuple(did for did in seated if has_voice(state, did)))


def has_voice(state: State, did: bytes) -> bool:
    """Whether a seat gives its organisation a voice."""
    record = record_of(state, did)
    if record is None or SEATED_ROLE not in record.roles:
        return False
    above = record_of(state, organisation_of(state, did))
    return above is not None and above.standing is Standing.ACTIVE


def speaks_for(state: State, sender: bytes) -> bytes | None:
    """The organisation a sender speaks for: its own, when it has a seat with a voice itself."""
    if set_in_force(state).index(sender) is None or not has_voice(state, sender):
        return None
    return organisation_of(state, sender)
