"""Handing over transactions in every form, looking them up, waiting for them."""

import base64
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock

from chain.primitives import cbor
from chain.primitives.hashing import Hash
from chain.transactions.payment import Transfer
from p2p.api.json_codec import decode_json, encode_json
from p2p.api.limits import BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX
from p2p.api.transaction_routes import submit_view
from p2p.api.views import SubmitsView, SubmitView, TransactionView, TransferBody
from p2p.protocol.effects import SubmitResult
from tests.p2p.api.serving import Served, problem, serve

SEQUENCE = "application/cbor-seq"


def sequence(*raws: bytes) -> bytes:
    return b"".join(cbor.encode(raw) for raw in raws)


async def test_one_transaction_in_cbor_hex_and_base64url(autojump_clock: MockClock) -> None:
    async with serve() as served:
        first, second, third = (served.founding.transfer(n).raw for n in range(3))
        text = base64.urlsafe_b64encode(third).rstrip(b"=").decode()
        for body, kind in (
            (first, "application/cbor"),
            (encode_json({"raw": second.hex()}), "application/json"),
            (encode_json({"raw": text}), "application/json; charset=utf-8"),
        ):
            answer = await served.post(body, kind)
            assert answer.status_code == 202, answer.text
            assert decode_json(SubmitView, answer.content).status == "accepted"


async def test_the_same_again_is_known(autojump_clock: MockClock) -> None:
    async with serve() as served:
        raw = served.founding.transfer(0).raw
        await served.post(raw, "application/cbor")
        again = await served.post(raw, "application/cbor")
        assert decode_json(SubmitView, again.content).status == "known"
        await served.node.wait_included(served.founding.transfer(0).id, 10)
        included = await served.post(raw, "application/cbor")
        assert decode_json(SubmitView, included.content).status == "known"
        batch = await served.post(sequence(raw), SEQUENCE)
        assert decode_json(SubmitsView, batch.content).accepted == 1


async def test_a_batch_answers_for_each_in_order(autojump_clock: MockClock) -> None:
    async with serve() as served:
        good, next_ = served.founding.transfer(0), served.founding.transfer(1)
        forged = bytearray(next_.raw)
        forged[-1] ^= 1
        answer = await served.post(sequence(good.raw, b"\x00", bytes(forged), next_.raw), SEQUENCE)
        assert answer.status_code == 200
        batch = decode_json(SubmitsView, answer.content)
        assert batch.accepted == 2
        assert [r.status for r in batch.results] == ["accepted", "refused", "refused", "accepted"]
        assert batch.results[0].id == good.id.hex()
        assert batch.results[1].id is None
        assert batch.results[1].code


async def test_a_batch_in_json_and_verdicts_in_cbor(autojump_clock: MockClock) -> None:
    async with serve() as served:
        raws = [served.founding.transfer(n).raw for n in range(2)]
        body = encode_json([raws[0].hex(), {"raw": raws[1].hex()}])
        assert (await served.post(body, "application/json")).json()["accepted"] == 2
        answer = await served.post(sequence(*raws), SEQUENCE, accept="application/cbor")
        verdicts = cbor.decode(answer.content)
        assert isinstance(verdicts, list)
        assert verdicts[0][1] == "known"  # type: ignore[index]
        one = await served.post(raws[0], "application/cbor", accept="application/cbor")
        assert cbor.decode(one.content) == verdicts[0]
        assert verdicts[0][4:] == [0, 0, 0]  # type: ignore[index]


def test_a_verdict_says_how_many_peers_were_told() -> None:
    result = SubmitResult(Hash(bytes(32)), True, "accepted", "", pushed=5, announced=3, queued=1)
    view = submit_view(result)
    assert (view.status, view.pushed, view.announced, view.queued) == ("accepted", 5, 3, 1)


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "application/cbor", 422, None),
        (b"\xff", "application/cbor", 422, None),
        (b"x", "text/plain", 415, "media-type"),
        (b"x", "", 415, "media-type"),
        (b"{", "application/json", 400, "json"),
        (b"{}", "application/json", 400, "json"),
        (b'{"raw": 5}', "application/json", 400, "json"),
        (b'{"raw": "!"}', "application/json", 400, "json"),
        (b'[{"raw": "00"}, 7]', "application/json", 400, "json"),
        (encode_json({"raw": "0" * 140_000}), "application/json", 400, "transaction-size"),
        (b"{%s}" % b",".join([b'"a":0'] * 20_002), "application/json", 413, "batch-too-large"),
        (b"\x01", SEQUENCE, 400, "shape"),
        (b"\x58", SEQUENCE, 400, "cbor-truncated"),
        (b"\x41\x00" * (BATCH_TRANSACTIONS_MAX + 1), SEQUENCE, 413, "batch-too-large"),
        (b"\x00" * (BATCH_BYTES_MAX + 1), SEQUENCE, 413, "body-too-large"),
    ],
)
async def test_bodies_that_are_refused(
    autojump_clock: MockClock, body: bytes, kind: str, status: int, code: str | None
) -> None:
    async with serve() as served:
        answer = await served.post(body, kind)
        assert answer.status_code == status, answer.text
        document = problem(answer)
        assert code is None or document["code"] == code


async def test_a_refused_transaction_names_both_values(autojump_clock: MockClock) -> None:
    async with serve() as served:
        poor = served.sign(Transfer("CNY", served.founding.bob.did, 2**60), 0)
        answer = await served.post(poor.raw, "application/cbor")
        assert answer.status_code == 422
        assert str(2**60) in str(problem(answer)["detail"])


async def test_a_body_that_never_ends_is_given_up(autojump_clock: MockClock) -> None:
    async with serve() as served:

        async def drops() -> AsyncIterator[bytes]:
            yield b"\x41"
            await trio.sleep_forever()

        answer = await served.http.post(
            "/v1/transactions", content=drops(), headers={"content-type": SEQUENCE}
        )
        assert answer.status_code == 408
        assert problem(answer)["code"] == "body-slow"


async def look_up(served: Served, path: str) -> TransactionView:
    answer = await served.http.get(path)
    assert answer.status_code == 200, answer.text
    return decode_json(TransactionView, answer.content)


async def test_from_pending_to_included(autojump_clock: MockClock) -> None:
    async with serve() as served:
        tx = served.founding.transfer(0, 7)
        await served.node.submit([tx.raw])
        path = f"/v1/transactions/{tx.id.hex()}"
        pending = await look_up(served, path)
        assert (pending.status, pending.block, pending.ok) == ("pending", None, None)
        bob = served.founding.genesis.did(served.founding.bob.did)
        assert pending.body == TransferBody("CNY", bob, 7, "")
        included = await look_up(served, path + "?wait=30")
        assert (included.status, included.index, included.ok) == ("included", 0, True)
        assert included.height == served.node.ledger.head.height
        assert included.raw == tx.raw.hex()


async def test_waiting_ends_when_the_time_is_over(autojump_clock: MockClock) -> None:
    async with serve() as served:
        later = served.founding.transfer(1)  # waits for sequence 0, which never comes
        await served.node.submit([later.raw])
        began = trio.current_time()
        assert (await look_up(served, f"/v1/transactions/{later.id.hex()}?wait=3")).block is None
        assert trio.current_time() - began == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("00" * 32, 404, "unknown-transaction"),
        ("00" * 32 + "?wait=2", 404, "unknown-transaction"),
        ("00" * 32 + "?wait=61", 422, "bad-parameter"),
        ("00" * 32 + "?wait=-1", 422, "bad-parameter"),
        ("00" * 32 + "?wait=nan", 422, "bad-parameter"),
        ("zz", 400, "id"),
    ],
)
async def test_unknown_or_badly_asked(
    autojump_clock: MockClock, path: str, status: int, code: str
) -> None:
    async with serve() as served:
        assert (await served.get(f"/v1/transactions/{path}", status))["code"] == code


async def test_too_many_waiters(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2p.api.transaction_routes.WAITERS_MAX", 0)
    async with serve() as served:
        document = await served.get(f"/v1/transactions/{'00' * 32}?wait=1", 429)
        assert document["code"] == "too-many-waiting"
