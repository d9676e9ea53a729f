"""Bad input of every kind against running nodes: each gets its specific refusal, none a traceback.

Transactions, API requests, hellos, frames and blocks go to a real two-node testnet; configuration
files and arguments to the real command. At the end the nodes are the same processes as before.
"""

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cbor2
import httpx
import pytest
import trio

from chain.block import Block, decode_header
from chain.genesis import Genesis
from chain.primitives import cose
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import KeyPair
from chain.transactions.envelope import TRANSACTION_TYPE
from p2p.accounts import Account, load_account
from p2p.api.client import Client
from p2p.net.secure import SecureLink, secure
from p2p.net.transport import LinkClosed
from p2p.net.websocket import WebSocketTransport
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.fields import REQUEST_MAX
from p2p.wire.messages import (
    AnnounceBlock,
    Blocks,
    GetHeaders,
    Goodbye,
    Headers,
    Hello,
    Message,
    Ping,
    Transactions,
)
from p2p.wire.records import sign_record
from tests.live import cornerstone, run, running_testnet

NAME = "bad-input"
ANSWER_S = 10.0
CASES: list[str] = []


@dataclass(frozen=True, slots=True)
class Net:
    """The testnet under attack, and what an attacker knows of it."""

    up: dict[str, Any]
    genesis: Genesis
    alice: Account
    bob: Account

    @property
    def api(self) -> str:
        return str(self.up["nodes"][0]["api"])

    @property
    def address(self) -> str:
        return str(self.up["nodes"][0]["p2p"])

    @property
    def slot(self) -> int:
        with Client(self.api) as node:
            return node.status().slot

    def payload(self, **changed: object) -> list[object]:
        """The payload of a good transfer, with fields changed by name."""
        fields: dict[str, object] = {
            "version": 1,
            "kind": "pay.transfer",
            "sender": self.alice.did,
            "lane": 7,
            "sequence": 0,
            "expiry": self.slot + 100,
            "body": [self.genesis.currencies[0].code, self.bob.did, 1, b""],
        }
        return list({**fields, **changed}.values())

    def signed(self, payload: object, *, typ: str = TRANSACTION_TYPE, chain: bytes = b"") -> bytes:
        """Any payload, properly signed by Alice."""
        data = payload if isinstance(payload, bytes) else cbor2.dumps(payload)
        return cose.sign1(self.alice.signing_key(), typ, data, chain or self.genesis.hash)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORNERSTONE_HOME", str(tmp_path_factory.mktemp("home")))
        with running_testnet(NAME, 2, "--block-time", "500ms") as up:
            accounts = Path(up["dir"]) / "accounts"
            yield Net(
                up,
                Genesis.decode(Path(up["genesis"]).read_bytes()),
                load_account(accounts / "alice.json"),
                load_account(accounts / "bob.json"),
            )


def flipped(raw: bytes, position: int = -1) -> bytes:
    changed = bytearray(raw)
    changed[position] ^= 1
    return bytes(changed)


def body(net: Net, *fields: object) -> bytes:
    return net.signed(net.payload(body=list(fields)))


STRANGER = KeyPair.from_seed(b"s" * 32)


def stranger(name: str) -> KeyPair:
    """An identity for one case: what it is blamed for is not held against the others."""
    return KeyPair.from_seed(sha256(name.encode()))


TRANSACTIONS: dict[str, tuple[str, Callable[[Net], bytes]]] = {
    "nothing": ("cose-tag", lambda n: b""),
    "no CBOR": ("cose-tag", lambda n: b"hello"),
    "another tag": ("cose-tag", lambda n: b"\xd1" + n.signed(n.payload())[1:]),
    "truncated": ("cbor-truncated", lambda n: n.signed(n.payload())[:-1]),
    "trailing byte": ("cbor-trailing", lambda n: n.signed(n.payload()) + b"\0"),
    "another type": ("cose-type", lambda n: n.signed(n.payload(), typ="text/plain")),
    "another algorithm": (
        "cose-algorithm",
        lambda n: n.signed(n.payload()).replace(b"\x01\x32", b"\x01\x27", 1),
    ),
    "another chain": ("invalid-signature", lambda n: n.signed(n.payload(), chain=b"x" * 32)),
    "flipped signature": ("invalid-signature", lambda n: flipped(n.signed(n.payload()))),
    "too large": ("transaction-size", lambda n: bytes(70_000)),
    "payload no array": ("shape", lambda n: n.signed(7)),
    "eighth field": ("shape", lambda n: n.signed([*n.payload(), 8])),
    "float": ("cbor-forbidden-type", lambda n: n.signed(n.payload(lane=1.5))),
    "long integer": (
        "cbor-non-canonical",
        lambda n: n.signed(cbor2.dumps(n.payload()).replace(b"\x07\x00", b"\x18\x07\x00", 1)),
    ),
    "deep": ("cbor-too-deep", lambda n: n.signed(b"\x81" * 50 + b"\x00")),
    "version 2": ("transaction-version", lambda n: n.signed(n.payload(version=2))),
    "unknown kind": ("unknown-kind", lambda n: n.signed(n.payload(kind="pay.magic"))),
    "lane 16": ("shape", lambda n: n.signed(n.payload(lane=16))),
    "negative amount": ("shape", lambda n: body(n, "CNY", n.bob.did, -1, b"")),
    "short recipient": ("shape", lambda n: body(n, "CNY", n.bob.did[:-1], 1, b"")),
    "expired": ("expired", lambda n: n.signed(n.payload(expiry=0))),
    "expiry too far": ("expiry-too-far", lambda n: n.signed(n.payload(expiry=2**40))),
    "far sequence": ("sequence-ahead", lambda n: n.signed(n.payload(sequence=10**6))),
    "unknown sender": ("unknown-sender", lambda n: n.signed(n.payload(sender=b"u" * 32))),
    "another's key": ("key-not-live", lambda n: n.signed(n.payload(sender=n.bob.did))),
    "overspent": ("insufficient-balance", lambda n: body(n, "CNY", n.bob.did, 2**62, b"")),
}


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_transactions(net: Net, name: str) -> None:
    code, make = TRANSACTIONS[name]
    with Client(net.api) as node:
        [verdict] = node.submit_many([make(net)])
    assert (verdict.status, verdict.code) == ("refused", code), verdict.reason
    assert len(verdict.reason) > 10
    CASES.append(f"transaction: {name}")


REQUESTS: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "unknown route": (404, "GET", "/v1/nothing", {}),
    "wrong method": (405, "DELETE", "/v1/status", {}),
    "bad height": (400, "GET", "/v1/blocks/minus", {}),
    "unknown block": (404, "GET", "/v1/blocks/" + "0" * 64, {}),
    "far height": (404, "GET", "/v1/blocks/99999999", {}),
    "bad transaction id": (400, "GET", "/v1/transactions/xyz", {}),
    "bad DID": (400, "GET", "/v1/accounts/did:key:z1", {}),
    "bad path": (400, "GET", "/v1/proofs/what/ever", {}),
    "wrong media type": (415, "POST", "/v1/transactions", {"content": b"x"}),
    "bad JSON": (
        400,
        "POST",
        "/v1/transactions",
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
    ),
    "too large a body": (
        413,
        "POST",
        "/v1/transactions",
        {"content": bytes(64 << 20), "headers": {"Content-Type": "application/cbor"}},
    ),
    "too long a wait": (422, "GET", "/v1/transactions/" + "0" * 64 + "?wait=99999", {}),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_requests(net: Net, name: str) -> None:
    status, method, path, options = REQUESTS[name]
    answer = httpx.request(method, net.api + path, trust_env=False, timeout=ANSWER_S, **options)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status), problem
    assert problem["code"]
    assert len(problem["detail"]) > 10
    CASES.append(f"request: {name}")


def hello(net: Net, pair: KeyPair = STRANGER, **changed: Any) -> Hello:
    chain = net.genesis.hash
    record = sign_record(pair, chain, ("ws://127.0.0.1:1",), 1).raw
    fields: dict[str, Any] = {
        "version_min": 1,
        "version_max": 1,
        "network": net.genesis.network,
        "genesis": chain,
        "capabilities": (),
        "record": record,
        "height": 0,
        "head": chain,
        "finalized_height": 0,
        "finalized": chain,
        "agent": "test",
    }
    return Hello(**{**fields, **changed})


async def opened(
    net: Net, nursery: trio.Nursery, chain: bytes = b"", pair: KeyPair = STRANGER
) -> SecureLink:
    link = await WebSocketTransport(nursery).dial(net.address)
    network = Hash(chain or net.genesis.hash)
    return await secure(link, pair, network, random.Random(7), initiator=True)


async def parting(link: SecureLink) -> Goodbye:
    """The goodbye with which the node lets us go."""
    with trio.fail_after(ANSWER_S):
        while True:
            for message in decode_frame(await link.receive()):
                if isinstance(message, Goodbye):
                    return message


def answer_to(
    net: Net,
    *frames: bytes,
    greet: bool = True,
    chain: bytes = b"",
    pair: KeyPair = STRANGER,
) -> Goodbye:
    """Say hello (unless told not to), send the frames, and hear why the node leaves."""

    async def talk() -> Goodbye:
        async with trio.open_nursery() as nursery:
            link = await opened(net, nursery, chain, pair)
            if greet:
                await link.send(encode_message(hello(net, pair)))
            for frame in frames:
                await link.send(frame)
            goodbye = await parting(link)
            nursery.cancel_scope.cancel()
        return goodbye

    return trio.run(talk)


HELLOS: dict[str, tuple[str, str, Callable[[Net], Message]]] = {
    "network": ("wrong-network", "'moon'", lambda n: hello(n, network="moon")),
    "genesis": ("false-hello", "6d" * 32, lambda n: hello(n, genesis=Hash(b"m" * 32))),
    "version": ("wrong-version", "9", lambda n: hello(n, version_min=8, version_max=9)),
    "not a hello": ("hello", "Ping", lambda n: Ping(1)),
}


@pytest.mark.parametrize("name", HELLOS)
def test_hellos_are_answered_with_both_values(net: Net, name: str) -> None:
    code, named, make = HELLOS[name]
    goodbye = answer_to(net, encode_message(make(net)), greet=False)
    assert code in goodbye.code
    assert named in goodbye.reason
    CASES.append(f"hello: {name}")


@pytest.mark.parametrize("data", [b"", b"garbage", bytes(32), bytes(100)], ids=len)
def test_handshakes_that_are_none_end_at_once(net: Net, data: bytes) -> None:
    async def talk() -> None:
        async with trio.open_nursery() as nursery:
            link = await WebSocketTransport(nursery).dial(net.address)
            with trio.fail_after(ANSWER_S):
                await link.send(data)
                with pytest.raises(LinkClosed):
                    await link.receive()
            nursery.cancel_scope.cancel()

    trio.run(talk)
    CASES.append(f"handshake: {len(data)} bytes")


def test_a_node_of_another_network_is_told_both_hashes(net: Net) -> None:
    moon = Hash(b"m" * 32)
    goodbye = answer_to(net, encode_message(hello(net, genesis=moon)), greet=False, chain=moon)
    assert goodbye.code == "wrong-genesis"
    assert moon.hex() in goodbye.reason
    assert net.genesis.hash.hex() in goodbye.reason
    CASES.append("handshake: another network")


FRAMES: dict[str, tuple[str, bytes]] = {
    "garbage": ("cbor", b"\xff\xfe\xfd"),
    "truncated": ("cbor-truncated", b"\x82\x02"),
    "non-canonical": ("cbor-non-canonical", b"\x82\x02\x18\x01"),
    "no array": ("shape", b"\x01"),
    "empty array": ("shape", b"\x80"),
    "unknown kind": ("unknown-message", b"\x81\x18\x63"),
    "too few fields": ("shape", b"\x81\x02"),
    "wrong type": ("shape", b"\x82\x02\x61\x61"),
    "too many messages": ("frame", b"\x82\x02\x01" * 5000),
    "deep": ("cbor-too-deep", b"\x81" * 60 + b"\x00"),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames(net: Net, name: str) -> None:
    code, frame = FRAMES[name]
    goodbye = answer_to(net, frame, pair=stranger(f"frame {name}"))
    assert code in goodbye.code, goodbye
    assert len(goodbye.reason) > 5
    CASES.append(f"frame: {name}")


def head(net: Net) -> Block:
    """The header and seal of the head, as its peers have it."""
    with Client(net.api) as node:
        parent = Hash(bytes.fromhex(node.block(node.status().head).parent))

    async def ask() -> tuple[bytes, bytes]:
        async with trio.open_nursery() as nursery:
            pair = stranger("asks for the head")
            link = await opened(net, nursery, pair=pair)
            await link.send(encode_message(hello(net, pair)))
            await link.send(encode_message(GetHeaders(1, (parent,), 1)))
            with trio.fail_after(ANSWER_S):
                while True:
                    for message in decode_frame(await link.receive()):
                        if isinstance(message, Headers):
                            nursery.cancel_scope.cancel()
                            return message.headers[0]

    raw, seal = trio.run(ask)
    return Block(decode_header(raw), seal, (), ())


BLOCKS: dict[str, tuple[str, Callable[[Block], Block]]] = {
    "seal": ("wrong-seal", lambda b: replace(b, header=replace(b.header, state=Hash(b"s" * 32)))),
    "author": ("wrong-author", lambda b: replace(b, header=replace(b.header, author=b"a" * 32))),
    "history": (
        "wrong-history-root",
        lambda b: replace(b, header=replace(b.header, history=Hash(b"h" * 32))),
    ),
    "height": ("wrong-height", lambda b: replace(b, header=replace(b.header, height=10**6))),
    "chain": ("wrong-chain", lambda b: replace(b, header=replace(b.header, chain=Hash(b"c" * 32)))),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_announced_headers_cost_their_sender_the_connection(net: Net, name: str) -> None:
    code, change = BLOCKS[name]
    bad = change(head(net))
    announcement = encode_message(AnnounceBlock(bad.header.raw, bad.seal))
    goodbye = answer_to(net, *[announcement] * 40, pair=stranger(f"block {name}"))
    assert code in goodbye.reason or code in goodbye.code, goodbye
    CASES.append(f"block: {name}")


def test_blocks_that_nobody_asked_for_end_the_connection(net: Net) -> None:
    garbage = encode_message(Blocks(REQUEST_MAX, (b"garbage",)))
    goodbye = answer_to(net, *[garbage] * 20, pair=stranger("garbage"))
    assert goodbye.code == "banned"
    assert f"blocks for request {REQUEST_MAX}, which nobody made" in goodbye.reason
    CASES.append("block: garbage")


def test_a_flood_of_bad_signatures_ends_the_connection(net: Net) -> None:
    bad = [flipped(net.signed(net.payload(sequence=n))) for n in range(300)]
    frames = [encode_message(Transactions(0, tuple(bad[n : n + 10]))) for n in range(0, 300, 10)]
    goodbye = answer_to(net, *frames, pair=stranger("bad signatures"))
    assert goodbye.code == "banned"
    assert "invalid-signature" in goodbye.reason
    CASES.append("transactions: flood of bad signatures")


PAY = ["tx", "transfer"]
PUBLISH = ["tx", "publish", "--from", "alice", "--sector", "s"]
ARGUMENTS: dict[str, tuple[int, str, list[str]]] = {
    "unknown command": (2, "No such command", ["frobnicate"]),
    "unknown option": (2, "No such option", ["testnet", "up", "--noodles", "8"]),
    "no nodes": (2, "0", ["testnet", "up", "--nodes", "0"]),
    "too many nodes": (2, "100000", ["testnet", "up", "--nodes", "100000"]),
    "name with a slash": (2, "a/b", ["testnet", "up", "--name", "a/b"]),
    "bad duration": (2, "soon", ["testnet", "up", "--block-time", "soon"]),
    "unknown testnet": (1, "nowhere", ["testnet", "status", "nowhere"]),
    "unknown node": (1, "n99", ["testnet", "kill", NAME, "n99"]),
    "bad groups": (1, "n9", ["testnet", "split", NAME, "n1/n9"]),
    "negative amount": (2, "to 1", [*PAY, "--from", "alice", "--to", "bob", "--amount", "-5"]),
    "unknown payer": (1, "zoe", [*PAY, "--from", "zoe", "--to", "bob", "--amount", "5"]),
    "unknown payee": (1, "zoe", [*PAY, "--from", "bob", "--to", "zoe", "--amount", "5"]),
    "missing file": (1, "/nowhere", [*PUBLISH, "/nowhere"]),
    "a directory": (1, "/tmp", [*PUBLISH, "/tmp"]),
    "bad id": (1, "xyz", ["tx", "show", "xyz"]),
    "dead API": (3, "127.0.0.1:1", ["chain", "--api", "http://127.0.0.1:1"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(net: Net, name: str) -> None:
    code, phrase, arguments = ARGUMENTS[name]
    done = run(*arguments)
    assert done.returncode == code, done.stderr or done.stdout
    assert phrase in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr + done.stdout
    CASES.append(f"argument: {name}")


CONFIGS: dict[str, tuple[str, Callable[[str, Net], str]]] = {
    "unknown key": ("listen", lambda text, n: text + '\nlistne = "x"\n'),
    "not TOML": ("TOML", lambda text, n: text + "\n= ="),
    "wrong type": ("name", lambda text, n: text.replace('name = "n2"', "name = 7")),
    "another genesis": (
        "00" * 32,
        lambda text, n: text.replace(n.genesis.hash.hex(), "00" * 32),
    ),
    "missing key": ("listen", lambda text, n: _without(text, "listen")),
    "no genesis": ("/nowhere", lambda text, n: _with(text, "genesis", '"/nowhere/g.cbor"')),
    "bad durability": ("durability", lambda text, n: _with(text, "durability", '"forever"')),
    "bad address": ("listen", lambda text, n: _with(text, "listen", '"127.0.0.1"')),
}


def _without(text: str, key: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith(f"{key} "))


def _with(text: str, key: str, value: str) -> str:
    return f"{key} = {value}\n{_without(text, key)}\n"


@pytest.mark.parametrize("name", CONFIGS)
def test_configuration_files(net: Net, name: str) -> None:
    phrase, change = CONFIGS[name]
    folder = Path(net.up["dir"]) / "nodes"
    broken = folder / "broken/node.toml"  # paths in the file are relative to it
    broken.parent.mkdir(exist_ok=True)
    broken.write_text(change((folder / "n2/node.toml").read_text(), net))
    done = run("node", "run", str(broken))
    assert done.returncode in (1, 2, 3)
    assert phrase in done.stderr
    assert "Traceback" not in done.stderr
    CASES.append(f"configuration: {name}")


GENESES: dict[str, tuple[str, Callable[[str], str]]] = {
    "bad network name": ("Moon!", lambda text: _with(text, "network", '"Moon!"')),
    "unknown key": ("network", lambda text: 'netwrok = "x"\n' + text),
    "unknown section": ("currency", lambda text: text + '\n[[curency]]\ncode = "EUR"\n'),
    "wrong type": ("code", lambda text: text + '\n[[currency]]\ncode = 7\nname = "x"\n'),
    "not TOML": ("line", lambda text: text + "\n= =\n"),
    "balance of nobody": (
        "nobody",
        lambda text: text + '\n[[balance]]\naccount = "nobody"\ncurrency = "CNY"\namount = 5\n',
    ),
}


@pytest.mark.parametrize("name", GENESES)
def test_genesis_sources(net: Net, tmp_path: Path, name: str) -> None:
    phrase, change = GENESES[name]
    source = tmp_path / "genesis.toml"
    source.write_text(change((Path(net.up["dir"]) / "genesis.toml").read_text()))
    done = run("genesis", "compile", str(source))
    assert done.returncode in (1, 2), done.stdout
    assert phrase in done.stderr
    assert "Traceback" not in done.stderr
    CASES.append(f"genesis: {name}")


def test_nobody_died_and_the_chain_goes_on(net: Net) -> None:
    """The last word: no unasked restart, no traceback in any log, blocks still come."""
    after = cornerstone("testnet", "status", NAME)
    assert [node["running"] for node in after["nodes"]] == [True, True]
    untouched = net.up["nodes"][1]
    assert after["nodes"][1]["pid"] == untouched["pid"]
    assert all(node["restarts"] == 0 for node in after["nodes"])
    for log in Path(net.up["dir"]).rglob("*.log*"):
        assert "Traceback" not in log.read_text(errors="replace"), log
        assert '"internal-error"' not in log.read_text(errors="replace"), log
    tx = cornerstone(
        "tx", "transfer", "--testnet", NAME, "--from", "alice", "--to", "bob", "--amount", "1",
        "--wait",
    )  # fmt: skip
    assert tx["height"] > 0
    print(f"\n{len(CASES)} cases of bad input, each with its own refusal")
    assert len(CASES) >= 40 or os.environ.get("PYTEST_XDIST_WORKER")
