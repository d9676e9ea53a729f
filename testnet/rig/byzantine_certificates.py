"""BadCertificates: blocks with a certificate that does not count, in place of the honest ones.

Where a block of the node's has nothing that could be spoilt, it is shown as it is.
"""

from dataclasses import replace
from functools import partial

from chain.block import Block, Header, certificates_hash
from chain.consensus.finality.certificate import Certificate, assemble, decode_certificate
from chain.ledger import Ledger
from testnet.faults.byzantine import BadCertificates
from testnet.rig.byzantine_blocks import Producer, Shown

LOOK_BACK_BLOCKS = 64
"""How far back a certificate is looked for that is older than what is final."""


class Miscertifying(Producer):
    """Hides the node's blocks from its peers and shows them with a certificate that is bad."""

    def __init__(self, kind: BadCertificates, to: frozenset[str]) -> None:
        super().__init__(to)
        self._how = kind.how

    def made(self, header: Header, announcement: Shown) -> None:
        """See Producer."""
        ledger = self.host.ledger
        block = ledger.block(header.id)
        raws = None if block is None else miscertified(self._how, block, ledger)
        if block is None or raws is None or self.anvil is None:
            return
        self.hide(header.id)
        bad = replace(header, certificates=certificates_hash(raws))
        show = partial(self.show_with, raws)
        self.anvil.put(bad, 0, block.transactions, show, self.host.now())


def miscertified(how: str, block: Block, ledger: Ledger) -> tuple[bytes, ...] | None:
    """The certificates of a block of the ledger, one of which is bad; None if none can be."""
    if how == "again":
        old = _before_final(block.header, ledger)
        return None if old is None else (old, *block.certificates)
    if not block.certificates:
        return None
    first, *others = block.certificates
    good = decode_certificate(first)
    bad = _forged(good) if how == "forged" else _short(good, ledger)
    return bad.encode(), *others


def _forged(good: Certificate) -> Certificate:
    first, *others = good.signatures
    return replace(good, signatures=(bytes(byte ^ 0xFF for byte in first), *others))


def _short(good: Certificate, ledger: Ledger) -> Certificate:
    authorities = ledger.finality.sets.numbered(good.vote.set_id)
    pairs = zip(good.signers, good.signatures, strict=True)
    few = dict(list(pairs)[: authorities.quorum - 1])
    return assemble(good.vote, few, len(authorities.members))


def _before_final(header: Header, ledger: Ledger) -> bytes | None:
    """The newest certificate on the chain whose target is older than what is final there."""
    final = ledger.finality.standing(header.parent).finalized.epoch
    for height in range(header.height - 1, max(0, header.height - LOOK_BACK_BLOCKS), -1):
        block = ledger.block_at(height)
        for raw in () if block is None else block.certificates:
            if decode_certificate(raw).vote.target.epoch < final:
                return raw
    return None
