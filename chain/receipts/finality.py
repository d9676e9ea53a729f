"""What every receipt ends with: a final header, its certificate, and how its authorities came in.

Rules:
- Handovers begin at the genesis, each set leading to the next. *Why:* then the genesis is all a
  verifier needs to have beforehand. They begin later only behind a recovery by hand, to which no
  handover leads: there a checkpoint is needed.
- A verifier with a checkpoint skips the handovers before it, and refuses what is final by an
  earlier set. *Why:* it asked to believe no key older than that.
"""

from dataclasses import dataclass
from typing import Self

from chain.block import Header
from chain.consensus.finality.certificate import Known
from chain.finalproof import FinalHeader, Handover, check_chain
from chain.genesis import Genesis
from chain.lightclient import LightClient, TrustedCheckpoint
from chain.primitives import shape
from chain.primitives.cbor import Limits, Value
from chain.primitives.errors import Invalid
from chain.receipts.steps import Step, proving

HANDOVERS_MAX = 1024
"""A change of the authorities each month for 85 years."""
RECEIPT_LIMITS = Limits(size=4 * 1024 * 1024, depth=3, items=8192)
"""1024 handovers of sets of seven take 1.8 MB; a transaction and its result a few KB."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a verifier has beforehand: the genesis, perhaps a checkpoint, signatures known good."""

    genesis: Genesis
    checkpoint: TrustedCheckpoint | None = None
    known: Known | None = None

    @property
    def begun(self) -> int:
        """The number of the set that is believed without a handover."""
        return 0 if self.checkpoint is None else self.checkpoint.authorities.id

    def client(self) -> LightClient:
        """A light client that has seen no more than this."""
        if self.checkpoint is None:
            return LightClient.from_genesis(self.genesis, self.known)
        return LightClient.from_checkpoint(self.genesis.hash, self.checkpoint, self.known)


@dataclass(frozen=True, slots=True)
class FinalityProof:
    """That a header is final, from the genesis on."""

    final: FinalHeader
    handovers: tuple[Handover, ...]

    @property
    def header(self) -> Header:
        """The final header."""
        return self.final.header

    def verify(self, basis: Basis) -> LightClient:
        """Follow it; the client as it then stands. Raises Unproven."""
        with proving(Step.NETWORK):
            for header in (*(handover.final.header for handover in self.handovers), self.header):
                check_chain(header, basis.genesis.hash)
            client = basis.client()
        with proving(Step.HANDOVERS):
            begun = client.authorities.id
            first = max(1, self.handovers[0].next_set.id) if self.handovers else 1
            check_led(begun, first - 1)
            for place, handover in enumerate(self.handovers):
                if handover.next_set.id != first + place:
                    raise Invalid(
                        "wrong-set", f"handover {place} leads to set {handover.next_set.id}"
                    )
                if handover.next_set.id > begun:
                    client.hand_over(handover)
        with proving(Step.CERTIFICATE):
            check_led(client.authorities.id, self.header.set_id)
            client.finalize(self.final)
        return client

    def to_values(self) -> list[Value]:
        """The last fields of a receipt: final header, certificate, handovers."""
        return [
            self.header.raw,
            self.final.certificate.encode(),
            [handover.to_value() for handover in self.handovers],
        ]

    @classmethod
    def from_values(cls, header: Value, certificate: Value, handovers: Value) -> Self:
        """Read what `to_values` gave. Raises Malformed or Invalid."""
        listed = shape.items(handovers, HANDOVERS_MAX, "handovers")
        return cls(
            FinalHeader.from_values(header, certificate),
            tuple(Handover.from_value(handover) for handover in listed),
        )


def check_led(followed: int, named: int) -> None:
    """Raise Invalid where handovers are missing between the set followed so far and a later one."""
    if named > followed:
        raise Invalid(
            "wrong-set",
            f"no handover leads from authority set {followed} to set {named}: they were left out, "
            "or the network was recovered by hand; then give a checkpoint from behind that with "
            "--checkpoint FILE (/v1/checkpoint of a node you trust)",
        )
