"""Receipts over HTTP: files that verify, and answers while something is not final."""

import pytest
import trio
from trio.testing import MockClock

from chain.lightclient import decode_checkpoint
from chain.receipts.finality import Basis
from chain.receipts.state import decode_state_receipt, verify_state_receipt
from chain.receipts.transaction import decode_transaction_receipt, verify_transaction_receipt
from chain.state.paths import parse_path
from p2p.api.json_codec import decode_json
from p2p.api.receipt_views import HandoversView
from tests.p2p.api.serving import serve

SLOTS_S = 3.0
"""The node votes once a slot of a second: what is the head now is final by then."""


async def test_a_receipt_comes_once_its_block_is_final(autojump_clock: MockClock) -> None:
    async with serve() as served:
        tx = served.founding.transfer(0)
        place = f"/v1/transactions/{tx.id.hex()}/receipt"
        assert (await served.get(place, 404))["code"] == "unknown-transaction"
        await served.include(tx)
        waiting = await served.get(place, 409)
        assert waiting["code"] == "not-final"
        height = served.node.ledger.head.height
        assert f"block {height} is not final yet: final is block" in str(waiting["detail"])
        await trio.sleep(SLOTS_S)
        answer = await served.http.get(place)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/cbor"
        receipt = decode_transaction_receipt(answer.content)
        proven = verify_transaction_receipt(receipt, Basis(served.founding.genesis))
        assert proven.transaction.id == tx.id
        assert (await served.get("/v1/transactions/12/receipt", 400))["code"] == "id"


async def test_receipts_of_the_state_and_where_light_clients_begin(
    autojump_clock: MockClock,
) -> None:
    async with serve() as served:
        genesis = served.founding.genesis
        path = f"bal/CNY/{genesis.did(served.founding.ann.did)}"
        await trio.sleep(SLOTS_S)
        answer = await served.http.get(f"/v1/receipts/{path}")
        key = parse_path(path, genesis.network)
        proven = verify_state_receipt(decode_state_receipt(answer.content), Basis(genesis), key)
        assert proven.value == served.node.ledger.value(key)
        checkpoint = decode_checkpoint((await served.http.get("/v1/checkpoint")).content)
        assert checkpoint.header == proven.final
        assert checkpoint.authorities == genesis.authority_set
        assert "code" in await served.get("/v1/receipts/nonsense", 400)


@pytest.mark.parametrize("after", [1, 7])
async def test_handovers_are_shown_in_order(autojump_clock: MockClock, after: int) -> None:
    async with serve() as served:
        answer = await served.http.get("/v1/handovers")
        assert decode_json(HandoversView, answer.content) == HandoversView(0, ())
        asked = await served.get(f"/v1/handovers?after={after}", 409)
        assert asked["code"] == "unknown-set"
