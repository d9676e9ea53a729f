"""`cornerstone receipt`: made with a node, verified without one."""

from pathlib import Path

import pytest
import trio

import cli
from chain.lightclient import TrustedCheckpoint
from chain.primitives.errors import Refusal
from chain.primitives.hashing import sha256
from chain.receipts.cose import decode_cose_receipt
from chain.receipts.making import ReceiptMaker
from chain.transactions.dataset import Publish, commit
from chain.transactions.document import Purpose
from p2p.accounts import Account, HeldKey, save_account
from p2p.api.client import ApiError
from p2p.api.server import serve_api
from p2p.commands.look import columns
from p2p.net.memory import MemoryNetwork
from p2p.sending import NotIncluded, await_final
from p2p.vault import SALT_BYTES, Vault, VaultRecord
from tests.chain.receipts.world import PAYEE, handed_over
from tests.chain.sets import PEOPLE, Chain
from tests.chain.test_recovery import Ruined
from tests.p2p.test_light_node import full_node
from tests.parties import Party
from tests.test_cli import move_home, terminal

SEED = b"s" * 32


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of a command that ends with exit code 1."""
    assert cli.run(list(arguments)) == 1
    return capsys.readouterr().err


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A receipt of a transaction, one of the state, and the genesis: of a chain that is gone."""
    chain = handed_over()
    genesis, payment, state = (tmp_path / name for name in ("genesis.cbor", "payment", "state"))
    genesis.write_bytes(chain.genesis.encode())
    payment.write_bytes(chain.receipt(chain.paid[0]).encode())
    state.write_bytes(chain.maker.state(b"bal/EUR/" + PAYEE.did).encode())
    return payment, state, genesis


async def test_from_a_payment_to_a_proof(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file, genesis = tmp_path / "payment.receipt", tmp_path / "genesis.cbor"
    async with terminal(capsys, monkeypatch, tmp_path) as run:
        genesis.write_bytes(run.founding.genesis.encode())
        paid = await run.json(
            "tx", "transfer", "--from", "ann", "--to", "bob", "--amount", "5", "--wait"
        )
        assert isinstance(paid, dict)
        txid = str(paid["id"])
        made = await run.json("receipt", "make", txid, "-o", str(file), "--wait")
        assert isinstance(made, dict)
        assert (made["verified"], made["transaction"], made["ok"]) == (True, txid, True)
        path = f"bal/CNY/{run.founding.genesis.did(run.founding.bob.did)}"
        state = tmp_path / "state"
        told = await run("receipt", "state", path, "-o", str(state))
        assert path in told
        assert "1 of 1 authorities of set 0" in told
        unknown = await run("receipt", "make", "00" * 32, "-o", str(state), code=1)
        assert "unknown-transaction" in unknown
        wrong = await run("receipt", "state", "bal/CNY", "-o", str(state), code=1)
        assert "error: " in wrong
    monkeypatch.setenv("CORNERSTONE_API", "http://127.0.0.1:1")  # nobody is there
    arguments = ["receipt", "verify", str(file), "--genesis", str(genesis)]
    assert await trio.to_thread.run_sync(cli.run, arguments) == 0
    out = capsys.readouterr().out
    assert "proven" in out
    assert txid in out
    assert "ann did:cornerstone:test:z" in out


def test_what_is_not_final_is_asked_for_again_as_long_as_the_user_waits() -> None:
    late = ApiError(409, "not-final", "block 9 is not final yet")
    answers = iter([b"receipt"])

    def never() -> bytes:
        raise late

    assert await_final(lambda: next(answers), 0.0) == b"receipt"
    with pytest.raises(ApiError):
        await_final(never, 0.0)
    with pytest.raises(NotIncluded, match="block 9 is not final yet"):
        await_final(never, 1e-9)


def test_a_changed_byte_names_the_step(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Path]
) -> None:
    payment, _, genesis = files
    raw = bytearray(payment.read_bytes())
    raw[-1] ^= 1  # in the last set of the handovers
    payment.write_bytes(raw)
    line = refused(capsys, "receipt", "verify", str(payment), "--genesis", str(genesis))
    assert "handovers: wrong-next-set" in line
    assert line.endswith("(receipt-handovers)\n")


def test_showing_exporting_and_what_is_asked(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    payment, state, genesis = files
    assert cli.run(["receipt", "show", str(payment)]) == 0
    assert "not verified" in capsys.readouterr().out
    for kind, file in (("transaction", payment), ("state", state)):
        assert cli.run(["receipt", "show", str(file), "--json"]) == 0
        assert f'"kind": "{kind}"' in capsys.readouterr().out
    path = f"bal/EUR/{handed_over().genesis.did(PAYEE.did)}"
    verify = ("receipt", "verify", str(state), "--genesis", str(genesis))
    assert cli.run([*verify, "--path", path]) == 0
    assert "proven absent" in capsys.readouterr().out
    assert "asked for key" in refused(capsys, *verify, "--path", path.replace("EUR", "CNY"))
    account, exported = tmp_path / "bank.json", tmp_path / "payment.cose"
    keys = (HeldKey("assert", Purpose.ASSERT, SEED),)
    save_account(account, Account("bank", "test", PAYEE.did, keys))
    export = ("--genesis", str(genesis), "--from", str(account), "-o", str(exported))
    assert cli.run(["receipt", "export", str(payment), *export]) == 0
    entry = exported.with_name("payment.cose.header").read_bytes()
    decode_cose_receipt(exported.read_bytes()).check(entry)
    with pytest.raises(Refusal):
        decode_cose_receipt(exported.read_bytes()).check(entry[:-1])
    assert "no-history-path" in refused(capsys, "receipt", "export", str(state), *export)


@pytest.mark.parametrize("key", [b"seq/", b"\xff", b"cur/x\n[green]proven[/] \x1b[2J", b"cur/[/]"])
def test_a_key_that_is_no_path_is_shown_by_its_digits(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Path], key: bytes
) -> None:
    _, state, genesis = files
    state.write_bytes(handed_over().maker.state(key).encode())
    assert cli.run(["receipt", "verify", str(state), "--genesis", str(genesis)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[1:2]] == [["path", f"hex/{key.hex()}"]]
    assert len(lines) == 4


def test_what_strangers_wrote_is_not_obeyed() -> None:
    evil = "[/] \x1b[2J\n[green]proven[/]"
    (line,) = columns({"title": evil})
    assert line.plain == r"title  [/] \x1b[2J\n[green]proven[/]"
    assert [span.style for span in line.spans] == ["dim"]


def test_a_checkpoint_is_taken_into_account(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    chain = handed_over()
    payment, _, genesis = files
    trusted = tmp_path / "checkpoint"
    header = chain.receipt(chain.paid[0]).proof.header
    trusted.write_bytes(TrustedCheckpoint(header, chain.authorities).encode())
    verify = ["receipt", "verify", str(payment), "--genesis", str(genesis)]
    assert cli.run([*verify, "--checkpoint", str(trusted)]) == 0
    assert "4 authorities of set 1" in capsys.readouterr().out
    trusted.write_bytes(b"nonsense")
    assert f"error: {trusted}: " in refused(capsys, *verify, "--checkpoint", str(trusted))
    export = ["receipt", "export", *verify[2:], "--from", "bank.json", "-o", str(tmp_path / "out")]
    assert f"error: {trusted}: " in refused(capsys, *export, "--checkpoint", str(trusted))


@pytest.mark.parametrize("place", ["FILE", "--genesis", "--checkpoint"])
def test_a_file_of_another_kind_is_named_and_none_is_read_without_end(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Path], place: str
) -> None:
    payment, _, genesis = files
    given = {"FILE": str(payment), "--genesis": str(genesis)}

    def verify(file: str) -> str:
        receipt, *options = ({**given, place: file}).items()
        return refused(capsys, "receipt", "verify", receipt[1], *(x for o in options for x in o))

    endless = verify("/dev/zero")
    assert endless.startswith("error: /dev/zero has more than ")
    assert endless.endswith(" bytes: it is another file (file-size)\n")
    none = str(payment.with_name("none"))
    assert verify(none) == f"error: {none} cannot be read (No such file or directory) (file)\n"
    if place != "FILE":  # of a receipt the step is named
        assert verify("/dev/null").startswith("error: /dev/null: the bytes end")


def test_a_full_disk_is_told_with_the_file_that_it_lacks(
    capsys: pytest.CaptureFixture[str], files: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    account = tmp_path / "bank.json"
    keys = (HeldKey("assert", Purpose.ASSERT, SEED),)
    save_account(account, Account("bank", "test", PAYEE.did, keys))
    export = ["receipt", "export", str(files[0]), "--genesis", str(files[2]), "--from"]
    assert cli.run([*export, str(account), "-o", "/dev/full"]) == 3
    assert capsys.readouterr().err == "error: No space left on device: /dev/full\n"


async def test_behind_a_recovery_a_checkpoint_is_asked_for_and_is_enough(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    move_home(tmp_path, monkeypatch)
    chain = Ruined()
    chain.recover()
    file, checkpoint, genesis, receipt = (tmp_path / name for name in ("bill", "c", "g.cbor", "r"))
    file.write_bytes(b"12 crates of tea")
    publish(chain, PEOPLE[7], file, Vault(tmp_path / "home" / "vault" / "ann"))
    newest = ReceiptMaker(chain.on).newest()
    checkpoint.write_bytes(TrustedCheckpoint(newest.header, chain.authorities).encode())
    genesis.write_bytes(chain.genesis.encode())
    node = full_node(chain, MemoryNetwork())

    async def run(code: int, *arguments: str) -> str:
        assert await trio.to_thread.run_sync(cli.run, list(arguments)) == code
        out, err = capsys.readouterr()
        return err if code else out

    async with trio.open_nursery() as nursery:
        url: str = await nursery.start(serve_api, node, "127.0.0.1", 0)
        trusting = ("--checkpoint", str(checkpoint))
        verify = ("tx", "verify", str(file), "--api", url)
        refused = await run(1, *verify)
        assert "in force is authority set 1" in refused
        assert "--checkpoint FILE" in refused
        assert "match" in await run(0, *verify, *trusting)
        state = ("receipt", "state", "set/cur", "-o", str(receipt), "--api", url)
        refused = await run(1, *state)
        assert "no handover leads from authority set 0 to set 1" in refused
        assert "--checkpoint FILE" in refused
        assert "proven" in await run(0, *state, *trusting)
        shown = ("receipt", "verify", str(receipt), "--genesis", str(genesis))
        assert "--checkpoint FILE" in await run(1, *shown)
        assert "proven" in await run(0, *shown, *trusting)
        nursery.cancel_scope.cancel()


def publish(chain: Chain, owner: Party, file: Path, vault: Vault) -> None:
    """A file in the next block, and what its owner keeps of it."""
    content, salt, sealed = file.read_bytes(), bytes(SALT_BYTES), b"sealed"
    hashes = commit(salt, content), sha256(sealed)
    body = Publish("bill", *hashes, "text/plain", len(content), "trade", ())
    tx = chain.sign(owner, body)
    chain.grow(tx)
    vault.put(
        VaultRecord(
            path=str(file.resolve()),
            dataset=tx.id.hex(),
            genesis_hash=chain.genesis.hash.hex(),
            owner=chain.genesis.did(owner.did),
            salt=salt.hex(),
            commitment=body.commitment.hex(),
            ciphertext_hash=body.ciphertext_hash.hex(),
            media_type=body.media_type,
            size=body.size,
            sector=body.sector,
            stored_ms=0,
        ),
        sealed,
    )
