"""What a ledger knows of finality: judges certificates in blocks, takes votes, keeps what follows.

Rules:
- A signature is verified once: certificates found good are remembered, and so are single votes.
- What is final is stored with the block or vote that made it so. *Why:* it must not move back when
  the node starts again.
- The head is moved by the caller, who owns the state; `choice` says where it belongs.
Spec: docs/spec/consensus.md.
"""

from collections import OrderedDict
from collections.abc import Sequence

from chain import tables
from chain.block import CERTIFICATES_BYTES_MAX, CERTIFICATES_MAX, Block
from chain.consensus.authorityset import AuthoritySet
from chain.consensus.engine import HeaderNode
from chain.consensus.finality.certificate import (
    Certificate,
    check_signatures,
    check_signers,
    decode_certificate,
)
from chain.consensus.finality.choice import Choice, choose
from chain.consensus.finality.closure import Conflict, Consequence, Finalized, Justified
from chain.consensus.finality.duty import NEVER_VOTED, Guard, decode_guard, throttled
from chain.consensus.finality.pool import AHEAD_SLOTS, VotePool
from chain.consensus.finality.remembered import load_closure, save_closure
from chain.consensus.finality.sets import KnownSets, enter
from chain.consensus.finality.standing import Check, Mark, Standing
from chain.consensus.finality.vote import SignedVote, Vote
from chain.consensus.headertree import Entry, HeaderTree
from chain.handovers import keep_handover
from chain.ledger_events import (
    BlockFinalized,
    BlockJustified,
    CertificateFound,
    EvidenceFound,
    FinalityAlarm,
    LedgerEvent,
)
from chain.primitives.errors import Declined, Invalid, Malformed
from chain.primitives.hashing import Hash
from chain.primitives.keys import SignatureCheck
from chain.store import Batch, KeyValueStore

CERTIFICATES_KNOWN_MAX = 1024
"""Certificates found good, a kilobyte each: those of a quarter of an hour."""


class Finality:
    """Finality on a header tree."""

    def __init__(self, chain: Hash, founding: HeaderNode, store: KeyValueStore, tree: HeaderTree):
        self.sets = KnownSets(store)
        self.pool = VotePool(chain)
        self._chain = chain
        self._store = store
        self._tree = tree
        first = Mark(0, founding.slot, founding.id)
        self.closure = load_closure(store, first)
        self._good: OrderedDict[tuple[Hash, Certificate], None] = OrderedDict()
        self._alarm = ""

    # Reading

    @property
    def finalized(self) -> Mark:
        """The newest final checkpoint (F)."""
        return self.closure.finalized

    @property
    def justified(self) -> Mark:
        """The newest justified checkpoint (J*), by certificates in blocks or votes alone."""
        return self.closure.newest

    @property
    def alarm(self) -> str:
        """Why the head does not stand on what is justified; empty while all is well."""
        return self._alarm

    def standing(self, block_id: Hash) -> Standing:
        """How the chain of an accepted block stands after it."""
        entry = self._tree.entry(block_id)
        assert entry is not None, f"{block_id.hex()} is not in the tree"
        return entry.standing

    def authorities(self, block_id: Hash) -> AuthoritySet:
        """The set in force for children of an accepted block. Raises Declined while unknown."""
        return self.sets.get(self.standing(block_id).set_hash)

    def heard(self, key: bytes) -> Guard | None:
        """The highest source and target epochs seen signed by a vote key; None for never."""
        row = self._store.get(tables.HEARD + key)
        return None if row is None else decode_guard(row)

    def choice(self, head: HeaderNode) -> Choice:
        """Where the head belongs."""
        return choose(self._tree, head, self.finalized.block, self.justified.block)

    def allows(self, block_id: Hash) -> bool:
        """Whether a block stands on what is final and justified."""
        tree = self._tree
        return tree.descends(block_id, self.justified.block) and tree.descends(
            block_id, self.finalized.block
        )

    def on_final(self, block_id: Hash) -> bool:
        """Whether a block stands on what is final."""
        return self._tree.descends(block_id, self.finalized.block)

    def check_branch(self, block_id: Hash) -> None:
        """Raise Declined when children of a block can never be final here."""
        if not self.on_final(block_id):
            final = self.finalized.block.hex()
            raise Declined("below-final", f"{block_id.hex()} does not stand on {final}")

    def throttles(self, slot: int, head: HeaderNode) -> bool:
        """Whether an author leaves this turn out, because too much is not final yet.

        Not before anything has become final. *Why:* a network whose authorities do not vote at all
        is no network in trouble.
        """
        if self.finalized.epoch == 0 or not self._tree.good(self.finalized.block):
            return False
        lag = head.slot - self._tree.node(self.finalized.block).slot
        return throttled(slot, len(self.authorities(head.id).members), lag)

    # Blocks

    def judge(self, block: Block, parent: Entry) -> tuple[Standing, list[Certificate]]:
        """How the chain stands after a block, by its certificates. Raises Refusal."""
        header = block.header
        if block.certificates:
            authorities = self.sets.get(parent.standing.set_hash)
            if not authorities.members:
                raise Invalid(
                    "unexpected-certificates",
                    f"{len(block.certificates)} certificates where nobody votes",
                )
        certificates = [_decoded(raw) for raw in block.certificates]
        standing = parent.standing.advance(
            header.slot, header.parent, certificates, self._tree, self._check_by(parent.standing)
        )
        return standing.decided(header.id, header.slot, header.next_set), certificates

    def fresh(self, head: Entry, slot: int) -> tuple[tuple[bytes, ...], Standing]:
        """What a block of ours on the head can carry, encoded, and how it stands after that."""
        standing, chosen, size = head.standing, list[bytes](), 0
        for certificate in self.closure.held:
            raw = certificate.encode()
            size += len(raw)
            ended = standing.set_id != head.standing.set_id
            if ended or len(chosen) == CERTIFICATES_MAX or size > CERTIFICATES_BYTES_MAX:
                break
            try:
                standing.judge(certificate.vote, slot, head.node.id, self._tree)
            except Invalid:
                continue
            standing = standing.justify(certificate.vote)
            chosen.append(raw)
        return tuple(chosen), standing

    def absorb(
        self, certificates: Sequence[Certificate], slot: int, batch: Batch
    ) -> list[LedgerEvent]:
        """Let good certificates count; what follows is put into the batch."""
        events: list[LedgerEvent] = []
        for certificate in certificates:
            authorities = self.sets.numbered(certificate.vote.set_id)
            for evidence in self.pool.watch(certificate, authorities, slot):
                events.append(EvidenceFound(evidence))
            self._hear(certificate, authorities, batch)
            if not self.closure.knows(certificate.vote):
                events.append(CertificateFound(certificate))
            events += self._followed(self.closure.add(certificate, self._tree), batch)
        return events

    def keep(self, batch: Batch) -> list[LedgerEvent]:
        """Put what counts into a batch: the block that brought it is not stored."""
        save_closure(self.closure, batch)
        return []

    def retry(self, batch: Batch) -> list[LedgerEvent]:
        """A block has come: let certificates count that waited for it."""
        return self._followed(self.closure.retry(self._tree), batch)

    def entered(
        self,
        before: Standing,
        after: Standing,
        certificates: Sequence[Certificate],
        batch: Batch,
    ) -> None:
        """A block with these certificates was accepted; it may have put another set in force."""
        if after.set_id != before.set_id:
            enter(after.set_id, after.set_hash, batch)
            keep_handover(after.set_id, certificates[-1], batch)

    # Votes and certificates from peers

    def add_vote(
        self, signed: SignedVote, slot: int, batch: Batch, *, checked: bool = False
    ) -> list[LedgerEvent]:
        """Take a vote in. Raises Declined (early, old, known, unknown set) or Invalid."""
        authorities = self.sets.numbered(signed.vote.set_id)
        tallied = self.pool.add(signed, authorities, slot, checked=checked)
        events: list[LedgerEvent] = []
        if tallied.evidence is not None:
            events.append(EvidenceFound(tallied.evidence))
        self._hear_vote(authorities.members[signed.member].vote, signed.vote, batch)
        if tallied.certificate is not None:
            self._remember(tallied.certificate, authorities)
            events += self.absorb([tallied.certificate], slot, batch)
        return events

    def judge_vote(self, signed: SignedVote, slot: int) -> list[SignatureCheck]:
        """What has to be verified before a vote is taken. Raises as `add_vote`.

        Votes of sets that are over are declined, as their certificates are. *Why:* they decide
        nothing, and members of all sets there ever were could sign without bound.
        """
        if signed.vote.set_id < self.finalized.set_id:
            raise Declined("vote-old", f"of set {signed.vote.set_id}, which is over")
        authorities = self.sets.numbered(signed.vote.set_id)
        self.pool.judge(signed, authorities, slot)
        return self._checks([signed], authorities)

    def judge_certificate(self, certificate: Certificate, slot: int) -> list[SignatureCheck]:
        """What has to be verified before a certificate is taken. Raises as `add_certificate`.

        Those of epochs to come are declined, as votes are, and as blocks cannot carry them. *Why:*
        authorities whose clocks are wrong, or that are done with their network, can make one for
        a hundred years ahead: justified, it would stay the newest there is; parked, or talked of
        between peers, it would never be old enough to be let go.
        """
        epoch = certificate.vote.target.epoch
        if epoch > slot + AHEAD_SLOTS:
            raise Declined("certificate-time", f"for epoch {epoch}, now is {slot}")
        if self.closure.knows(certificate.vote):
            raise Declined("certificate-known", "a certificate of this link is here already")
        if certificate.vote.set_id < self.finalized.set_id:
            raise Declined("certificate-old", f"of set {certificate.vote.set_id}, which is over")
        authorities = self.sets.numbered(certificate.vote.set_id)
        check_signers(certificate, authorities)
        return self._checks(certificate.votes(), authorities)

    def _checks(
        self, votes: Sequence[SignedVote], authorities: AuthoritySet
    ) -> list[SignatureCheck]:
        unknown = [signed for signed in votes if not self.pool.verified(signed)]
        return [
            (
                authorities.members[signed.member].vote,
                signed.vote.signed_bytes(self._chain),
                signed.signature,
            )
            for signed in unknown
        ]

    def add_certificate(
        self, certificate: Certificate, slot: int, batch: Batch, *, checked: bool = False
    ) -> list[LedgerEvent]:
        """Take a certificate in. Raises Declined (early, old, known, unknown set) or Invalid."""
        self.judge_certificate(certificate, slot)
        authorities = self.sets.numbered(certificate.vote.set_id)
        if checked:
            self._remember(certificate, authorities)
        else:
            self._check(certificate, authorities)
        return self.absorb([certificate], slot, batch)

    def _check_by(self, standing: Standing) -> Check:
        return lambda certificate: self._check(certificate, self.sets.get(standing.set_hash))

    def _check(self, certificate: Certificate, authorities: AuthoritySet) -> None:
        if (authorities.hash, certificate) in self._good:
            return
        check_signatures(certificate, authorities, self._chain, self.pool.verified)
        self._remember(certificate, authorities)

    def _remember(self, certificate: Certificate, authorities: AuthoritySet) -> None:
        self._good[authorities.hash, certificate] = None
        if len(self._good) > CERTIFICATES_KNOWN_MAX:
            self._good.popitem(last=False)

    # What follows

    def _followed(self, found: Sequence[Consequence], batch: Batch) -> list[LedgerEvent]:
        if not found:
            return []
        events = [event for consequence in found for event in self._event(consequence, batch)]
        save_closure(self.closure, batch)
        return events

    def _event(self, consequence: Consequence, batch: Batch) -> list[LedgerEvent]:
        match consequence:
            case Justified(mark):
                return [BlockJustified(mark.block, self._height(mark), mark.epoch, mark.set_id)]
            case Finalized(mark):
                self._tree.forget_tips(mark.block, batch)
                return [BlockFinalized(mark.block, self._height(mark), mark.epoch, mark.set_id)]
            case Conflict(_, reason):
                return [FinalityAlarm("conflicting-certificate", reason)]

    def _height(self, mark: Mark) -> int:
        return self._tree.node(mark.block).height

    def note_alarm(self, alarm: str) -> list[LedgerEvent]:
        """Remember why the head does not stand where it should; an event when that is new."""
        told = bool(alarm) and alarm != self._alarm
        self._alarm = alarm
        return [FinalityAlarm("no-block-stands-on-both", alarm)] if told else []

    def _hear(self, certificate: Certificate, authorities: AuthoritySet, batch: Batch) -> None:
        for member in certificate.signers:
            self._hear_vote(authorities.members[member].vote, certificate.vote, batch)

    def _hear_vote(self, key: bytes, vote: Vote, batch: Batch) -> None:
        row = batch.puts.get(tables.HEARD + key) or self._store.get(tables.HEARD + key)
        before = NEVER_VOTED if row is None else decode_guard(row)
        after = before.after(vote)
        if after != before:
            batch.put(tables.HEARD + key, after.encode())


def _decoded(raw: bytes) -> Certificate:
    try:
        return decode_certificate(raw)
    except Malformed as refusal:
        raise Invalid("certificate-malformed", str(refusal)) from None
