"""Accounts, their histories, datasets, and proofs that hold against the header alone."""

from dataclasses import replace

import pytest
from trio.testing import MockClock

from chain.primitives import cbor
from chain.primitives.hashing import sha256
from chain.receipts.finality import Basis
from chain.transactions.dataset import Publish
from p2p.api.json_codec import decode_json
from p2p.api.verification import Unproven, verified_value
from p2p.api.views import AccountHistoryView, AccountView, DatasetView, ProofView
from tests.p2p.api.serving import Served, serve
from tests.p2p.founding import HELD

NOBODY = "did:cornerstone:test:z" + "1" * 32


async def account(served: Served, reference: str) -> AccountView:
    return decode_json(AccountView, (await served.http.get(f"/v1/accounts/{reference}")).content)


async def test_an_account_by_name_and_by_did(autojump_clock: MockClock) -> None:
    async with serve() as served:
        await served.include(served.founding.transfer(0, 5))
        await served.node.submit([served.founding.transfer(1).raw])
        ann = await account(served, "ann")
        assert ann == await account(served, ann.did)
        assert [(b.code, b.amount, b.decimals) for b in ann.balances] == [("CNY", HELD - 5, 2)]
        assert [(s.lane, s.next, s.next_free) for s in ann.sequences] == [(0, 1, 2)]
        assert {key.purpose for key in ann.keys} == {"admin", "tx", "seal", "vote"}
        assert ann.registered


async def test_an_identity_nobody_registered_holds_nothing(autojump_clock: MockClock) -> None:
    async with serve() as served:
        nobody = await account(served, NOBODY)
        assert not nobody.registered
        assert nobody.balances == ()
        assert [(s.lane, s.next) for s in nobody.sequences] == [(0, 0)]


@pytest.mark.parametrize(
    ("reference", "status", "code"),
    [
        ("zoe", 404, "unknown-account"),
        ("did:cornerstone:other:z" + "1" * 32, 400, "did"),
        ("did:cornerstone:test:z0", 400, None),
        ("did:key:z6Mk", 400, "did"),
    ],
)
async def test_accounts_that_are_not(
    autojump_clock: MockClock, reference: str, status: int, code: str | None
) -> None:
    async with serve() as served:
        document = await served.get(f"/v1/accounts/{reference}", status)
        assert code is None or document["code"] == code


async def test_a_history_in_pages_misses_none(autojump_clock: MockClock) -> None:
    async with serve() as served:
        sent = [served.founding.transfer(n) for n in range(7)]
        await served.node.submit([tx.raw for tx in sent])
        assert await served.node.wait_included(sent[-1].id, 10)
        seen: list[str] = []
        query = ""
        while True:
            answer = await served.http.get(f"/v1/accounts/bob/transactions?limit=3{query}")
            page = decode_json(AccountHistoryView, answer.content)
            seen += [entry.id for entry in page.transactions]
            if page.next is None:
                break
            query = f"&before={page.next}"
        assert seen == [tx.id.hex() for tx in reversed(sent)]
        for wrong in ("x", "1.2.3", "-1.0", "1", f"{2**64}.0", f"1.{2**32}"):
            path = f"/v1/accounts/bob/transactions?before={wrong}"
            assert (await served.get(path, 422))["code"] == "bad-parameter"


async def published(served: Served) -> str:
    body = Publish(
        title="<b>bill</b>",
        commitment=sha256(b"salt and content"),
        ciphertext_hash=sha256(b"ciphertext"),
        media_type="application/json",
        size=16,
        sector="shipping",
    )
    tx = served.sign(body, 0)
    await served.include(tx)
    return tx.id.hex()


async def test_a_dataset(autojump_clock: MockClock) -> None:
    async with serve() as served:
        identity = await published(served)
        answer = await served.http.get(f"/v1/datasets/{identity}")
        dataset = decode_json(DatasetView, answer.content)
        assert dataset.commitment == sha256(b"salt and content").hex()
        assert (dataset.media_type, dataset.size, dataset.sector) == (
            "application/json",
            16,
            "shipping",
        )
        assert dataset.transaction == dataset.id == identity
        assert dataset.height == served.node.ledger.head.height
        assert (await served.get(f"/v1/datasets/{'00' * 32}", 404))["code"] == "unknown-dataset"
        assert (await served.get("/v1/datasets/1", 400))["code"] == "id"


async def prove(served: Served, path: str) -> ProofView:
    answer = await served.http.get(f"/v1/proofs/{path}")
    assert answer.status_code == 200, answer.text
    return decode_json(ProofView, answer.content)


async def test_presence_and_absence_are_proved(autojump_clock: MockClock) -> None:
    async with serve() as served:
        genesis = served.founding.genesis
        path = f"bal/CNY/{genesis.did(served.founding.ann.did)}"
        assert verified_value(await prove(served, path), path, Basis(genesis)) == cbor.encode(HELD)
        absent = "ds/" + "00" * 32
        assert verified_value(await prove(served, absent), absent, Basis(genesis)) is None


async def test_a_lying_node_is_caught(autojump_clock: MockClock) -> None:
    async with serve() as served:
        genesis = served.founding.genesis
        path = f"bal/CNY/{genesis.did(served.founding.ann.did)}"
        honest = await prove(served, path)
        other = f"bal/CNY/{genesis.did(served.founding.bob.did)}"
        forged_seal = bytes.fromhex(honest.seal)[:-1] + b"\x00"
        for lie in (
            replace(honest, value=cbor.encode(HELD + 1).hex()),
            replace(honest, value=None),
            replace(honest, siblings=honest.siblings[1:]),
            replace(honest, block="00" * 32),
            replace(honest, seal=forged_seal.hex()),
            replace(honest, siblings=("zz", *honest.siblings[1:])),
            replace(honest, leaf_key=None),
        ):
            with pytest.raises(Unproven):
                verified_value(lie, path, Basis(genesis))
        with pytest.raises(Unproven, match="asked for"):
            verified_value(honest, other, Basis(genesis))


@pytest.mark.parametrize("path", ["x", "ds/1", "bal/CNY", "did/did:cornerstone:other:z1", ""])
async def test_paths_that_are_none(autojump_clock: MockClock, path: str) -> None:
    async with serve() as served:
        await served.get(f"/v1/proofs/{path}", 400)
