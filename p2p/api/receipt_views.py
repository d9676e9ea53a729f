"""Handovers as the API shows them."""

from dataclasses import dataclass

from chain.finalproof import Handover
from chain.primitives.errors import Malformed


@dataclass(frozen=True, slots=True)
class HandoverView:
    """How an authority set took over: hex of the header that names it, a certificate, the set."""

    set_id: int
    height: int
    header: str
    certificate: str
    next_set: str


@dataclass(frozen=True, slots=True)
class HandoversView:
    """Handovers in order, and the number of the set in force."""

    set_id: int
    handovers: tuple[HandoverView, ...]


def handover_view(handover: Handover) -> HandoverView:
    """A handover as the API shows it."""
    final = handover.final
    return HandoverView(
        handover.next_set.id,
        final.header.height,
        final.header.raw.hex(),
        final.certificate.encode().hex(),
        handover.next_set.raw.hex(),
    )


def read_handover(view: HandoverView) -> Handover:
    """What a node says of a handover. Raises Malformed or Invalid; proves nothing yet."""
    try:
        header, certificate, following = (
            bytes.fromhex(text) for text in (view.header, view.certificate, view.next_set)
        )
    except ValueError:
        raise Malformed("handover", f"handover to set {view.set_id}: not hexadecimal") from None
    return Handover.from_value([header, certificate, following])
