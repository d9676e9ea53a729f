"""Receipts from a ledger: which final header covers a block, and all that leads to it.

Rules:
- A block's receipt ends at the first final header that the node can prove and that covers it: the
  block that ended its set, otherwise the newest final one. *Why:* the fewer handovers it has to
  carry, the shorter it is.
- Where a set took over by a recovery, handovers are carried from that set on. *Why:* none leads to
  it; who has a checkpoint from behind it needs no more, and nobody else can verify anything there.
- What is not final yet is declined, with what is final now. *Why:* a receipt that may become false
  is none; who asks waits for finality and asks again.
"""

from chain.block import Header
from chain.finalproof import FinalHeader
from chain.history import history_path
from chain.ledger import Ledger
from chain.past import PastState
from chain.primitives import merkle
from chain.primitives.errors import Declined, Invalid
from chain.primitives.hashing import Hash
from chain.primitives.merkle import CompactRange
from chain.queries import TransactionLocation
from chain.receipts.finality import HANDOVERS_MAX, FinalityProof
from chain.receipts.state import StateReceipt
from chain.receipts.transaction import TransactionReceipt


class ReceiptMaker:
    """Makes receipts of one ledger's final chain."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._past: PastState | None = None

    @property
    def final(self) -> Header:
        """The newest final header."""
        header = self.ledger.header(self.ledger.finality.finalized.block)
        assert header is not None, "what is final is in the tree"
        return header

    def transaction(self, location: TransactionLocation) -> TransactionReceipt:
        """The receipt of an included transaction. Raises Declined while it is not final."""
        ledger, index = self.ledger, location.index
        block = ledger.block(location.block_id)
        assert block is not None, "it is on the head's chain"
        proof = self.proof(block.header)
        results = ledger.encoded_receipts(location.block_id)
        return TransactionReceipt(
            block.transactions[index],
            results[index],
            merkle.sides(index, len(results)),
            tuple(merkle.inclusion_proof(block.transactions, index)),
            tuple(merkle.inclusion_proof(results, index)),
            block.header,
            self.history(block.header, proof.header),
            proof,
        )

    def state(self, key: bytes) -> StateReceipt:
        """The receipt of a state key at the newest final block. Raises Declined."""
        proof = self._newest()
        past = self._state_at(proof.header)
        while not past.undo():
            pass
        return StateReceipt(key, past.read(key), past.prove(key), proof)

    def undo_block(self) -> bool:
        """One block less of work for `state`; whether none is left. Raises Declined.

        It begins anew when the head has moved.
        """
        return self._state_at(self.newest().header).undo()

    def proof(self, header: Header) -> FinalityProof:
        """That a block of the head's chain is final. Raises Declined while it is not."""
        self._check_voted()
        recovered = recovered_sets(self.ledger)
        for set_id in range(header.set_id, self.ledger.finality.finalized.set_id):
            if set_id + 1 in recovered:
                continue
            handover = self.ledger.handovers.of(set_id + 1)
            if handover.final.header.height >= header.height:
                return self._proof(handover.final, set_id)
        if self.final.height < header.height:
            raise Declined(
                "not-final",
                f"block {header.height} is not final yet: final is block {self.final.height}, "
                f"the head is block {self.ledger.head.height}; wait until block "
                f"{header.height} is final and ask again",
            )
        return self._newest()

    def history(self, header: Header, final: Header) -> tuple[Hash, ...]:
        """The path from a header to the history of a final one."""
        if header.id == final.id:
            return ()
        return tuple(history_path(header.height, final.height, self._range, self._leaf))

    def newest(self) -> FinalHeader:
        """The newest final header with its certificate. Raises Declined while there is none."""
        finality = self.ledger.finality
        self._check_voted()
        certificate = finality.closure.proof
        if certificate is None:
            raise Declined(
                "not-final",
                f"this node has no certificate yet for block {self.final.height}, the newest "
                f"final one; the head is block {self.ledger.head.height}; ask again later",
            )
        return FinalHeader(self.final, certificate)

    def _newest(self) -> FinalityProof:
        final = self.newest()
        return self._proof(final, final.certificate.vote.set_id)

    def _proof(self, final: FinalHeader, set_id: int) -> FinalityProof:
        first = max((each for each in recovered_sets(self.ledger) if each <= set_id), default=0)
        if set_id - first > HANDOVERS_MAX:
            raise Declined(
                "too-many-handovers",
                f"{set_id - first} changes of the authorities, a receipt carries {HANDOVERS_MAX}",
            )
        return FinalityProof(final, tuple(self.ledger.handovers.between(first, set_id)))

    def _check_voted(self) -> None:
        if not self.ledger.genesis.authority_set.members:
            raise Invalid(
                "never-final",
                "nobody votes on this network, so nothing becomes final and nothing has a receipt",
            )

    def _state_at(self, header: Header) -> PastState:
        ledger = self.ledger
        past = self._past
        if past is not None and past.header.id == header.id and past.head == ledger.head.id:
            return past
        self._past = past = ledger.state_at(header)
        return past

    def _range(self, size: int) -> CompactRange:
        return self.ledger.history_range(size)

    def _leaf(self, height: int) -> Hash:
        header = self.ledger.header_at(height)
        assert header is not None, "it is below a final header"
        return merkle.leaf_hash(header.raw)


def recovered_sets(ledger: Ledger) -> list[int]:
    """The sets that took over by a recovery, not by a handover; ascending."""
    return [
        each.following.id
        for each in ledger.recoveries
        if ledger.node(each.block) is not None
        and ledger.finality.standing(each.block).set_id == each.following.id
    ]
