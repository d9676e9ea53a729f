"""What certificates do to a chain, written from docs/spec/consensus.md rather than from the code.

It shares no rule with chain.consensus.finality: it keeps every ancestor by name and asks the plain
questions of the specification in its order.
"""

from dataclasses import dataclass, field, replace

from chain.block import Header
from chain.genesis import Genesis
from chain.primitives import cbor
from chain.primitives.errors import Refusal
from chain.primitives.keys import verify
from testnet.checkers.books import Broken, founding_seats
from testnet.checkers.council import Seat, set_hash
from testnet.checkers.overtaking import Overtaking

VOTE_CONTEXT = "cornerstone/vote/1"
JUSTIFIED_MAX = 64

Checkpoint = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class Link:
    """A certificate, read."""

    set_id: int
    source: Checkpoint
    target: Checkpoint
    signers: tuple[int, ...]
    width: int
    signatures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A set that was decided in a block and is not in force yet."""

    block: bytes
    height: int
    slot: int
    members: tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Quorums:
    """The set in force for the next block, what is justified, all blocks of the chain."""

    chain: bytes
    set_id: int
    members: tuple[Seat, ...]
    justified: tuple[Checkpoint, ...]
    change: Change | None = None
    ancestors: dict[bytes, tuple[int, int, int]] = field(default_factory=dict)
    """By id: height, slot, and the set in force after it."""

    def hash(self) -> bytes:
        """The hash that headers name the set by."""
        return set_hash(self.set_id, self.members)

    def leader(self, slot: int) -> Seat:
        """Whose slot it is."""
        return self.members[slot % len(self.members)]

    def follow(self, header: Header, certificates: tuple[bytes, ...]) -> "Quorums":
        """Quorums after the certificates of a block. Raises Broken."""
        if certificates and not self.members:
            raise Broken("unexpected-certificates", f"{len(certificates)} where nobody votes")
        links = [_read(raw) for raw in certificates]
        now = self
        for link in links:
            if now.set_id != self.set_id:
                raise Broken("certificate-set", "one follows the end of its set")
            now._judge(link, header)
            now = now._after(link)
        return now

    def grown(self, header: Header, decided: tuple[Seat, ...] | None) -> "Quorums":
        """Quorums for the children of a block, which may have decided the next set."""
        change = self.change
        if decided is not None:
            change = Change(header.id, header.height, header.slot, decided)
        place = (header.height, header.slot, self.set_id)
        return replace(self, change=change, ancestors={**self.ancestors, header.id: place})

    def overtaken(self, by: Overtaking) -> "Quorums":
        """Quorums for the children of a block behind which people let another set take over."""
        base = ((by.block, by.slot),)
        return replace(self, set_id=by.set_id, members=by.members, justified=base, change=None)

    def _judge(self, link: Link, header: Header) -> None:
        (block, epoch), (source, from_epoch) = link.target, link.source
        if link.set_id != self.set_id:
            raise Broken("certificate-set", f"set {link.set_id}, in force is {self.set_id}")
        if link.source not in self.justified:
            raise Broken("certificate-source", f"{source.hex()} at {from_epoch}")
        if epoch in [known for _, known in self.justified]:
            raise Broken("certificate-repeated", f"epoch {epoch}")
        if block not in self.ancestors:
            raise Broken("certificate-target", block.hex())
        height, slot, set_id = self.ancestors[block]
        if not (from_epoch < epoch < header.slot and slot <= epoch):
            raise Broken("certificate-epochs", f"{from_epoch} to {epoch} for slot {slot}")
        if self.ancestors[source][0] > height:
            raise Broken("certificate-source", f"{source.hex()} is above {block.hex()}")
        if set_id != self.set_id or (self.change is not None and height > self.change.height):
            raise Broken("certificate-beyond", block.hex())
        self._count(link)

    def _count(self, link: Link) -> None:
        members = len(self.members)
        if link.width != (members + 7) // 8 or any(place >= members for place in link.signers):
            raise Broken("certificate-bits", f"{link.width} bytes for {members}")
        if 3 * len(link.signers) <= 2 * members:
            raise Broken("certificate-quorum", f"{len(link.signers)} of {members}")
        (source, from_epoch), (block, epoch) = link.source, link.target
        signed = cbor.encode(
            [VOTE_CONTEXT, self.chain, link.set_id, [source, from_epoch], [block, epoch]]
        )
        for place, signature in zip(link.signers, link.signatures, strict=True):
            if not verify(self.members[place].vote, signed, signature):
                raise Broken("certificate-signature", f"member {place}")

    def _after(self, link: Link) -> "Quorums":
        final = link.target[1] - link.source[1] == 1
        if final and self.change is not None and self.change.block == link.source[0]:
            base = (self.change.block, self.change.slot)
            return replace(
                self,
                set_id=self.set_id + 1,
                members=self.change.members,
                justified=(base,),
                change=None,
            )
        known = sorted((*self.justified, link.target), key=lambda checkpoint: checkpoint[1])
        if final:
            known = known[known.index(link.source) :]
        if len(known) > JUSTIFIED_MAX:
            known = [known[0], *known[2:]]
        return replace(self, justified=tuple(known))


def founding_quorums(genesis: Genesis, first: Header) -> Quorums:
    """Quorums after the first block."""
    places: dict[bytes, tuple[int, int, int]] = {first.id: (0, 0, 0)}
    return Quorums(genesis.hash, 0, founding_seats(genesis), ((first.id, 0),), None, places)


def _read(raw: bytes) -> Link:
    """A certificate, shape by shape. Raises Broken."""
    try:
        value = cbor.decode(raw)
    except Refusal as refusal:
        raise Broken("certificate-malformed", refusal.reason) from None
    match value:
        case [
            int(set_id),
            [bytes(source), int(from_epoch)],
            [bytes(block), int(epoch)],
            bytes(bits),
            [*signatures],
        ] if len(source) == 32 == len(block):
            pass
        case _:
            raise Broken("certificate-malformed", "not the shape of a certificate")
    signers = tuple(i for i in range(8 * len(bits)) if bits[i // 8] & 1 << i % 8)
    given = tuple(each for each in signatures if isinstance(each, bytes) and len(each) == 64)
    if len(given) != len(signatures):
        raise Broken("certificate-malformed", "a signature that is none")
    if len(given) != len(signers):
        raise Broken("certificate-signers", f"{len(signers)} bits, {len(given)} signatures")
    return Link(set_id, (source, from_epoch), (block, epoch), signers, len(bits), given)
