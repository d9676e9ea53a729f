"""How finality stands, as the API shows it."""

from dataclasses import dataclass

from chain.genesis import Genesis
from p2p.finality_status import FinalityStatus


@dataclass(frozen=True, slots=True)
class AttendanceView:
    """An authority and its votes: the last slot it was heard in (0: never), and for each of the
    last slots, this one last, whether its vote is here."""

    did: str
    name: str
    heard: int
    recent: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class FinalityView:
    """What is final and justified, who votes, and why it is late.

    `late` is empty while all is well, and where nobody votes. `certificate` is the one that made
    the final block final, in deterministic CBOR; empty before the first.
    """

    height: int
    block: str
    epoch: int
    set_id: int
    justified_height: int
    justified: str
    justified_epoch: int
    slot: int
    quorum: int
    authorities: tuple[AttendanceView, ...]
    certificate: str
    late: str
    alarm: str


def finality_view(status: FinalityStatus, genesis: Genesis, slot: int) -> FinalityView:
    """Finality as the API shows it."""
    return FinalityView(
        height=status.height,
        block=status.block.hex(),
        epoch=status.epoch,
        set_id=status.set_id,
        justified_height=status.justified_height,
        justified=status.justified.hex(),
        justified_epoch=status.justified_epoch,
        slot=slot,
        quorum=status.quorum,
        authorities=tuple(
            AttendanceView(genesis.did(one.did), one.name, one.heard, one.recent)
            for one in status.authorities
        ),
        certificate=status.certificate.hex(),
        late=status.late,
        alarm=status.alarm,
    )
