"""The handovers of a chain's authorities, as the store keeps them: what made each set take over.

Rules:
- A row is written with the block that puts a set in force: that block carries the certificate. *Why
  not searched for later:* the certificate is in one block among all, and every proof needs it.
- One row for each set, whichever chain carried it. *Why:* two chains that hand over at different
  blocks take a third of a set to lie; at the same block, either certificate proves it.
"""

from chain import tables
from chain.block import CERTIFICATE_BYTES_MAX
from chain.consensus.finality.certificate import Certificate, decode_certificate
from chain.consensus.finality.sets import KnownSets
from chain.consensus.headertree import HeaderTree
from chain.finalproof import FinalHeader, Handover
from chain.primitives.errors import Declined
from chain.primitives.hashing import Hash
from chain.store import Batch, KeyValueStore


def keep_handover(set_id: int, certificate: Certificate, batch: Batch) -> None:
    """Remember the certificate that puts a set in force."""
    raw = certificate.encode()
    assert len(raw) <= CERTIFICATE_BYTES_MAX, "it was in a block"
    batch.put(tables.handover_key(set_id), raw)


class Handovers:
    """The handovers of one chain."""

    def __init__(self, store: KeyValueStore, tree: HeaderTree, sets: KnownSets) -> None:
        self._store = store
        self._tree = tree
        self._sets = sets

    def of(self, set_id: int) -> Handover:
        """What made the set with that number take over. Raises Declined when it is not here."""
        row = self._store.get(tables.handover_key(set_id))
        if row is None:
            raise Declined(
                "no-handover",
                f"this node has no proof of how authority set {set_id} took over: it did not "
                "follow that change block by block (ask another node), or it was a recovery by "
                "hand, behind which only a checkpoint leads",
            )
        certificate = decode_certificate(row)
        header = self._tree.node(Hash(certificate.vote.source.block)).header
        return Handover(FinalHeader(header, certificate), self._sets.get(Hash(header.next_set)))

    def between(self, first: int, last: int) -> list[Handover]:
        """The handovers that lead from set `first` to set `last`. Raises Declined."""
        return [self.of(set_id) for set_id in range(first + 1, last + 1)]
