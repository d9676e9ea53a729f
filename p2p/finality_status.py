"""How finality stands, as a node sees it: what is final, who votes, and why it is late."""

from dataclasses import dataclass

from chain.consensus.authorityset import AuthoritySet
from chain.ledger import Ledger
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash

RECENT_SLOTS = 16
"""How far back the votes of each authority are shown."""
LATE_SLOTS = 5
"""Two are usual; so many without a newer final block have a reason that people want to know."""
SILENT_SLOTS = 3
"""An authority that was not heard for so many slots is missing; one lost vote is nothing."""
JUSTIFIED_SLOTS = 2
"""The newest justified block is one slot after the final one, unless votes come late."""
NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Attendance:
    """An authority and its votes: `heard` is the last slot it voted in, 0 for never."""

    did: bytes
    name: str  # in the genesis; empty where it has none
    heard: int
    recent: tuple[bool, ...]  # the last RECENT_SLOTS slots, this one last


@dataclass(frozen=True, slots=True)
class FinalityStatus:
    """Finality at one moment. Heights count from genesis = 0, epochs are slots.

    `late` says why nothing newer is final, and is empty while all is well or where nobody votes;
    `alarm` is what only people can settle. `certificate` made the final block final, encoded;
    empty at the beginning.
    """

    height: int
    block: Hash
    epoch: int
    set_id: int
    justified_height: int
    justified: Hash
    justified_epoch: int
    quorum: int
    authorities: tuple[Attendance, ...]
    certificate: bytes
    late: str
    alarm: str


def finality_status(ledger: Ledger, slot: int, clock_ahead: int = 0) -> FinalityStatus:
    """How finality stands in that slot, by a clock that seems to be so many slots ahead."""
    finality = ledger.finality
    final, justified = finality.finalized, finality.justified
    proof = finality.closure.proof
    authorities = _authorities(ledger)
    attendance = _attendance(ledger, authorities, slot)
    return FinalityStatus(
        height=_height(ledger, final.block),
        block=final.block,
        epoch=final.epoch,
        set_id=final.set_id,
        justified_height=_height(ledger, justified.block),
        justified=justified.block,
        justified_epoch=justified.epoch,
        quorum=0 if authorities is None or not attendance else authorities.quorum,
        authorities=attendance,
        certificate=b"" if proof is None else proof.encode(),
        late=_wrong_clock(clock_ahead) or _late(ledger, attendance, slot),
        alarm=finality.alarm,
    )


def why_late(ledger: Ledger, slot: int) -> str:
    """Why nothing newer is final in that slot; empty while all is well. See FinalityStatus."""
    if slot - ledger.finality.finalized.epoch <= LATE_SLOTS:
        return ""
    return _late(ledger, _attendance(ledger, _authorities(ledger), slot), slot)


def _authorities(ledger: Ledger) -> AuthoritySet | None:
    try:
        return ledger.finality.authorities(ledger.head.id)
    except Declined:
        return None


def _height(ledger: Ledger, block_id: Hash) -> int:
    node = ledger.node(block_id)
    return 0 if node is None else node.height


def _attendance(
    ledger: Ledger, authorities: AuthoritySet | None, slot: int
) -> tuple[Attendance, ...]:
    if authorities is None:
        return ()
    names = {identity.id: identity.name for identity in ledger.genesis.identities}
    pool = ledger.finality.pool
    voted: dict[int, list[int]] = {
        epoch: [vote.member for vote in pool.votes(epoch) if vote.vote.set_id == authorities.id]
        for epoch in range(slot - RECENT_SLOTS + 1, slot + 1)
    }
    found: list[Attendance] = []
    for place, member in enumerate(authorities.members):
        heard = ledger.finality.heard(member.vote)
        found.append(
            Attendance(
                member.did,
                names.get(member.did, ""),
                0 if heard is None else heard.target,
                tuple(place in members for members in voted.values()),
            )
        )
    return tuple(found)


def _wrong_clock(ahead: int) -> str:
    if not ahead:
        return ""
    return (
        f"blocks come {ahead} slots after their time by this machine's clock: it is ahead, so set "
        "it by NTP, unless this node is overloaded"
    )


def _late(ledger: Ledger, attendance: tuple[Attendance, ...], slot: int) -> str:
    """What is amiss, when too little is final; empty when nothing is wrong."""
    final_epoch = ledger.finality.finalized.epoch
    justified_epoch = ledger.finality.justified.epoch
    lag = slot - final_epoch
    if not attendance or lag <= LATE_SLOTS:
        return ""
    if justified_epoch - final_epoch > JUSTIFIED_SLOTS and slot - justified_epoch <= LATE_SLOTS:
        return (
            f"blocks are justified up to slot {justified_epoch}, but since slot {final_epoch} "
            "never in two slots running: votes come late, as when nodes are overloaded"
        )
    missing = [one for one in attendance if one.heard < slot - SILENT_SLOTS]
    count = len(attendance)
    if not missing:
        return (
            f"the last final block is of slot {final_epoch}, {lag} slots ago, though all "
            f"{count} authorities vote: their votes do not agree"
        )
    names = [one.name or one.did.hex()[:16] for one in missing]
    shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
    since = max(one.heard for one in missing)
    return f"{len(missing)} of {count} authorities not heard since slot {since}: {shown}"
