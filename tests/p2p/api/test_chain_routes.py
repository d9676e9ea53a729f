"""Status, peers, genesis, blocks; pages and metrics; and what is not there."""

import pytest
import trio
from trio.testing import MockClock

from chain.genesis import Genesis
from p2p.api import present
from p2p.api.json_codec import decode_json
from p2p.api.views import (
    BlocksView,
    BlockView,
    CountersView,
    CounterView,
    PeersView,
    StatusView,
)
from tests.p2p.api.serving import problem, serve


async def test_status_says_where_the_node_stands(autojump_clock: MockClock) -> None:
    async with serve() as served:
        status = decode_json(StatusView, (await served.http.get("/v1/status")).content)
        assert status.network == "test"
        assert status.genesis_hash == served.founding.genesis.hash.hex()
        assert status.height == served.node.ledger.head.height >= 1
        assert status.head == served.node.ledger.head.id.hex()
        assert status.producing


async def test_peers_and_genesis(autojump_clock: MockClock) -> None:
    async with serve() as served:
        peers = decode_json(PeersView, (await served.http.get("/v1/peers")).content)
        assert peers.peers == ()
        genesis = await served.http.get("/v1/genesis")
        assert genesis.headers["content-type"] == "application/cbor"
        assert Genesis.decode(genesis.content) == served.founding.genesis


async def test_refusals_are_counted_by_reason(autojump_clock: MockClock) -> None:
    async with serve() as served:
        served.node.observer.count("refused", "full", 3)
        answer = decode_json(CountersView, (await served.http.get("/v1/counters")).content)
        assert CounterView("refused", "full", 3) in answer.counters
        names = [(each.counter, each.reason) for each in answer.counters]
        assert names == sorted(names)


async def test_a_block_by_height_and_by_id_with_its_transactions(
    autojump_clock: MockClock,
) -> None:
    async with serve() as served:
        tx = served.founding.transfer(0)
        await served.include(tx)
        height = served.node.ledger.head.height
        block = decode_json(BlockView, (await served.http.get(f"/v1/blocks/{height}")).content)
        assert [(entry.id, entry.ok) for entry in block.transactions] == [(tx.id.hex(), True)]
        assert block.canonical
        assert block.time_ms == served.founding.genesis.slot_start_ms(block.slot)
        same = decode_json(BlockView, (await served.http.get(f"/v1/blocks/{block.id}")).content)
        assert same == block


async def test_blocks_newest_first_down_to_genesis(autojump_clock: MockClock) -> None:
    async with serve() as served:
        await served.include(served.founding.transfer(0))
        height = served.node.ledger.head.height
        page = decode_json(BlocksView, (await served.http.get("/v1/blocks?limit=100")).content)
        assert [b.height for b in page.blocks] == list(range(height, -1, -1))
        assert page.blocks[0].transaction_count == 1
        older = decode_json(BlocksView, (await served.http.get("/v1/blocks?before=1")).content)
        assert [b.height for b in older.blocks] == [0]
        assert older.blocks[0].author == ""


async def test_others_go_on_while_a_page_is_read(autojump_clock: MockClock) -> None:
    async with serve() as served:
        await trio.sleep(100)
        assert served.node.ledger.head.height > 90
        assert await served.turns_during("/v1/blocks?limit=100") > 90


async def test_others_go_on_while_a_full_block_is_read(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(present, "RESULTS_STEP", 1)
    async with serve() as served:
        transfers = [served.founding.transfer(number) for number in range(40)]
        await served.node.submit([transfer.raw for transfer in transfers])
        assert await served.node.wait_included(transfers[-1].id, 10)
        path = f"/v1/blocks/{served.node.ledger.head.height}"
        assert await served.turns_during(path) > 30
        block = decode_json(BlockView, (await served.http.get(path)).content)
        assert [entry.id for entry in block.transactions] == [tx.id.hex() for tx in transfers]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/blocks/999", 404, "unknown-block"),
        ("/v1/blocks/" + "0" * 64, 404, "unknown-block"),
        ("/v1/blocks/twelve", 400, "id"),
        ("/v1/blocks/-1", 400, "id"),
        ("/v1/blocks/" + "9" * 40, 400, "id"),
        ("/v1/blocks/" + "a" * 600, 422, "bad-parameter"),
        ("/v1/blocks?limit=0", 422, "bad-parameter"),
        ("/v1/blocks?limit=101", 422, "bad-parameter"),
        ("/v1/blocks?before=-1", 422, "bad-parameter"),
        ("/v1/nothing", 404, "unknown-path"),
        ("/v2/status", 404, "unknown-path"),
    ],
)
async def test_what_is_not_there_is_a_problem(
    autojump_clock: MockClock, path: str, status: int, code: str
) -> None:
    async with serve() as served:
        assert (await served.get(path, status))["code"] == code


async def test_a_method_that_is_not_for_the_path(autojump_clock: MockClock) -> None:
    async with serve() as served:
        answer = await served.http.delete("/v1/status")
        assert answer.status_code == 405
        assert problem(answer)["code"] == "method"
        assert answer.headers["allow"] == "GET"


async def test_what_is_final_and_who_votes(autojump_clock: MockClock) -> None:
    async with serve() as served:
        await trio.sleep(5)
        shown = await served.get("/v1/finality")
        status = await served.get("/v1/status")
        ledger = served.node.ledger
        final = ledger.finality.finalized
        assert shown["block"] == status["finalized"] == final.block.hex()
        assert shown["height"] == status["finalized_height"]
        assert final.epoch > 0
        assert shown["justified_epoch"] > shown["epoch"] > 0
        assert shown["late"] == status["finality_late"] == ""
        assert status["voting"] is True
        (authority,) = shown["authorities"]
        assert authority["heard"] >= shown["slot"] - 1
        assert sum(authority["recent"]) >= 3
        block = await served.get(f"/v1/blocks/{shown['height']}")
        head = await served.get(f"/v1/blocks/{status['height']}")
        assert (block["finalized"], head["finalized"]) == (True, False)


async def test_pages_load_nothing_from_elsewhere(autojump_clock: MockClock) -> None:
    async with serve() as served:
        for path in ("/", "/docs"):
            page = await served.http.get(path)
            assert page.status_code == 200
            assert "https://" not in page.text
            assert "http://" not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert "script-src 'sha256-" in page.headers["content-security-policy"]


async def test_openapi_names_every_endpoint(autojump_clock: MockClock) -> None:
    async with serve() as served:
        described = await served.get("/openapi.json")
        assert isinstance(described["paths"], dict)
        assert set(described["paths"]) == {
            "/v1/status",
            "/v1/finality",
            "/v1/peers",
            "/v1/counters",
            "/v1/genesis",
            "/v1/blocks",
            "/v1/blocks/{reference}",
            "/v1/transactions",
            "/v1/transactions/{txid}",
            "/v1/accounts/{reference}",
            "/v1/accounts/{reference}/transactions",
            "/v1/datasets/{dataset}",
            "/v1/governance/proposals",
            "/v1/governance/proposals/{proposal}",
            "/v1/governance/authorities",
            "/v1/governance/parameters",
            "/v1/proofs/{path}",
            "/v1/transactions/{txid}/receipt",
            "/v1/receipts/{path}",
            "/v1/checkpoint",
            "/v1/handovers",
        }
        assert "HTTPValidationError" not in str(described)
        assert "application/problem+json" in str(described)


async def test_metrics(autojump_clock: MockClock) -> None:
    async with serve() as served:
        text = (await served.http.get("/metrics")).text
        assert f"cornerstone_height {float(served.node.ledger.head.height)}" in text
        assert "cornerstone_mempool_transactions 0.0" in text
