"""`cornerstone gov` against a node over real sockets."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from chain.consensus.authority import sealed_bytes
from chain.consensus.finality.evidence import of_blocks
from chain.primitives.hashing import sha256
from chain.transactions.document import Purpose
from p2p.accounts import Account, HeldKey, save_account
from p2p.api.json_codec import Json
from tests.test_cli import Line, objects, terminal


def own(run: Line, tmp_path: Path) -> str:
    """The only authority's account; its name."""
    (authority,) = run.founding.authorities
    keys = (HeldKey("tx", Purpose.TX, authority.tx.seed),)
    account = Account(authority.name, "test", authority.did, keys)
    save_account(tmp_path / "home" / "accounts" / f"{authority.name}.json", account)
    return authority.name


async def included(run: Line, *arguments: str) -> str:
    """Run a command that waits for its block; the transaction's id."""
    value: Json = await run.json(*arguments, "--wait")
    assert isinstance(value, dict)
    assert value["ok"] is True, value
    return str(value["id"])


async def test_proposing_voting_and_looking(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        me = own(run, tmp_path)
        reasons = tmp_path / "reasons.txt"
        reasons.write_text("fewer, larger blocks")
        wanted = ("param", "block_transactions_max", "20000")
        proposal = await included(
            run, "gov", "propose", *wanted, "--from", me, "--reasons", str(reasons)
        )
        assert "param block_transactions_max = 20000" in await run("gov", "list")
        (listed,) = objects(await run.json("gov", "list"))
        assert listed["rationale"] == sha256(b"fewer, larger blocks").hex()
        assert (listed["yes"], listed["needed"], listed["status"]) == (0, 1, "open")
        assert "10000" in await run("gov", "parameters")
        vote = await included(run, "gov", "vote", proposal, "yes", "--from", me)
        assert proposal in await run("tx", "show", vote)
        assert "block_transactions_max" in await run("tx", "show", proposal)
        shown = await run("gov", "show", proposal)
        assert "passed" in shown
        assert "1 yes, 0 no of 1; 1 yes decide" in shown
        assert json.loads(await run("gov", "show", proposal, "--json"))["closed"] > 0
        assert "20000" in await run("gov", "parameters")
        assert "nothing is open" in await run("gov", "list")
        assert [p["value"] for p in objects(await run.json("gov", "parameters"))][1] == 20_000
        refused = await run("gov", "vote", proposal, "no", "--from", me, "--wait", code=1)
        assert "proposal-closed" in refused


async def test_organisations_seats_and_evidence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        me = own(run, tmp_path)
        for words in (("org.suspend", "bob"), ("auth.add", "ann")):
            proposal = await included(run, "gov", "propose", *words, "--from", me)
            assert f"yes: {' +'.join(words) if words[0] == 'auth.add' else ' '.join(words)}" in (
                await run("gov", "vote", proposal, "yes", "--from", me, "--wait")
            )
        assert "suspended" in await run("account", "bob")
        while "set 1 in force" not in await run("gov", "authorities"):
            await (
                trio.lowlevel.checkpoint()
            )  # the decision is not final yet; `terminal` has a bound
        value = await run.json("gov", "authorities")
        assert isinstance(value, dict)
        assert value["decided"] is None
        assert isinstance(value["current"], dict)
        assert len(objects(value["current"]["seats"])) == 2
        file = tmp_path / "double.cbor"
        file.write_bytes(await double_block(run))
        txid = await included(run, "gov", "evidence", str(file), "--from", "ann")
        assert "blocks" in await run("tx", "show", txid)
        refused = await run("gov", "evidence", str(file), "--from", "ann", "--wait", code=1)
        assert "evidence-idle" in refused


async def double_block(run: Line) -> bytes:
    """Two headers of one slot, sealed by the only authority."""
    (authority,) = run.founding.authorities
    empty = run.founding.genesis
    first = run.node.ledger.header_at(1)
    assert first is not None
    assert first.chain == empty.hash
    second = replace(first, state=sha256(b"another"))
    one, other = (
        (header, authority.seal.sign(sealed_bytes(header.id))) for header in (first, second)
    )
    return of_blocks(authority.did, authority.seal.public, one, other).encode()


async def test_mistakes_are_explained(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = [
        ("gov propose org.merge bob --from ann", 1, "known: auth.add"),
        ("gov propose org.admit --from ann", 1, "write org.admit WHO"),
        ("gov propose org.role bob auditor maybe --from ann", 1, "grant|revoke"),
        ("gov propose org.role bob emperor grant --from ann", 1, "unknown-role"),
        ("gov propose param slot_ms 5 --from ann", 1, "cannot be changed"),
        ("gov propose param block_bytes_max 5 --from ann", 1, "expected 131072"),
        ("gov propose auth.add zoe --from ann", 1, "is no DID"),
        ("gov propose auth.add bob bob --from ann", 1, "named twice"),
        ("gov propose auth.replace bob bob --from ann", 1, "change-order"),
        ("gov propose org.admit bob --from ann --reasons /nowhere", 3, "/nowhere"),
        ("gov propose org.suspend bob --from ann --wait", 1, "no-voice"),
        (f"gov vote {'0' * 64} yes --from ann", 1, "unknown-proposal"),
        (f"gov vote {'0' * 64} perhaps --from ann", 2, "say yes or no"),
        ("gov show zz", 1, "64 hex digits"),
        (f"gov show {'0' * 64}", 1, "unknown-proposal"),
        ("gov evidence /nowhere --from ann", 1, "/nowhere cannot be read"),
    ]
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        for line, code, said in wrong:
            assert said in await run(*line.split(), code=code)
        empty = tmp_path / "empty"
        empty.write_bytes(b"")
        assert "cbor" in await run("gov", "evidence", str(empty), "--from", "ann", code=1)
