"""Proofs of the state after the authorities have changed, from the genesis and handovers."""

from dataclasses import replace

import pytest

from chain.receipts.finality import Basis
from p2p.api.present import Presenter
from p2p.api.receipt_views import handover_view, read_handover
from p2p.api.verification import Unproven, set_named, verified_value
from tests.chain.receipts.world import PAYEE, handed_over


def test_a_proof_by_a_later_set_needs_its_handovers() -> None:
    chain = handed_over()
    path = f"bal/CNY/{chain.genesis.did(PAYEE.did)}"
    key = b"bal/CNY/" + PAYEE.did
    view = Presenter(chain.on).proof(key)
    assert set_named(view) == 1
    handover = read_handover(handover_view(chain.on.handovers.of(1)))
    value = verified_value(view, path, Basis(chain.genesis), [handover])
    assert value == chain.on.value(key)
    with pytest.raises(Unproven, match="0 handovers lead"):
        verified_value(view, path, Basis(chain.genesis))
    forged = replace(handover, next_set=replace(handover.next_set, id=2))
    with pytest.raises(Unproven, match="handover after set 0: wrong-next-set"):
        verified_value(view, path, Basis(chain.genesis), [forged])
