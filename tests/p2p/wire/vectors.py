"""Makes the vectors of the peer protocol; `python -m tests.p2p.wire.vectors --write` the file."""

import base64
import random
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import trio

from chain.primitives import cbor
from chain.primitives.errors import Malformed
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import AgreementKey, KeyPair
from p2p.net.hello import compatible
from p2p.net.secure import secure
from p2p.net.transport import Link
from p2p.protocol.compact import short_id_of
from p2p.protocol.holding import Sums
from p2p.wire.codec import decode_frame, encode_message
from p2p.wire.messages import SHORT_KEY_BYTES, Differ, Ping, Reconcile, Transactions
from p2p.wire.records import sign_record
from p2p.wire.shorts import Shortener
from tests.p2p.net.peers import memory_links
from tests.p2p.wire.extremes import BEYOND, MAXIMAL, MINIMAL, REJECTED
from tests.p2p.wire.messages import example_hello, examples
from tests.publishing import publish

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int"

PATH = Path(__file__).parents[3] / "docs" / "spec" / "peer-protocol-vectors.json"
LONG = 2_048  # hex digits; what is longer is compressed in the file

NONCE = 0x0102030405060708
SIDES = ("initiator", "responder")
CHAIN = Hash(sha256(b"cornerstone vectors/chain"))
# What each side says once the channel stands; the second frame takes two records.
SAID = (
    encode_message(Ping(1)),
    encode_message(Transactions(1, (bytes(40_000), bytes(40_000)))),
)


def seed(name: str) -> bytes:
    """The 32 secret bytes of a key of the vectors."""
    return sha256(f"cornerstone vectors/{name}".encode())


class Seeds(random.Random):
    """Gives one side's keys in the order in which a handshake asks for them."""

    def __init__(self, side: str) -> None:
        super().__init__()
        self._seeds = [seed(f"{side} static"), seed(f"{side} ephemeral")]

    def randbytes(self, n: int) -> bytes:
        """The next key."""
        return self._seeds.pop(0)


class Noted:
    """A link that keeps what passes it."""

    def __init__(self, link: Link, seen: list[bytes]) -> None:
        self.remote = link.remote
        self._link = link
        self._seen = seen

    async def send(self, data: bytes) -> None:
        """See Link."""
        self._seen.append(data)
        await self._link.send(data)

    async def receive(self) -> bytes:
        """See Link."""
        data = await self._link.receive()
        self._seen.append(data)
        return data

    def trust(self) -> None:
        """See Link."""
        self._link.trust()

    async def aclose(self) -> None:
        """See Link."""
        await self._link.aclose()


async def converse() -> list[bytes]:
    """The websocket messages of a handshake and one frame of each side."""
    left, right = await memory_links()
    seen: list[bytes] = []

    async def side(name: str, link: Link) -> None:
        identity = KeyPair.from_seed(seed(f"{name} identity"))
        secured = await secure(link, identity, CHAIN, Seeds(name), initiator=name == SIDES[0])
        if name == SIDES[0]:
            await secured.send(SAID[0])
            assert await secured.receive() == SAID[1]
        else:
            assert await secured.receive() == SAID[0]
            await secured.send(SAID[1])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(side, SIDES[0], Noted(left, seen))
        nursery.start_soon(side, SIDES[1], right)
    return seen


def keys(name: str) -> dict[str, Json]:
    """One side's secrets and public keys."""
    found: dict[str, Json] = {}
    for use in ("static", "ephemeral"):
        secret = seed(f"{name} {use}")
        found[use] = {"secret": secret.hex(), "public": AgreementKey(secret).public.hex()}
    secret = seed(f"{name} identity")
    found["identity"] = {"seed": secret.hex(), "public": KeyPair.from_seed(secret).public.hex()}
    return found


async def vectors() -> dict[str, Json]:
    """Everything in the file."""
    node = KeyPair.from_seed(seed("node"))
    record = sign_record(node, CHAIN, ("ws://192.0.2.1:4001",), 7, ("blocks/1",))
    messages: list[Json] = [
        {
            "kind": example.KIND,
            "name": type(example).__name__,
            "cbor": encode_message(example).hex(),
            "minimal": [encode_message(m).hex() for m in MINIMAL if type(m) is type(example)],
            "maximal": [encode_message(m).hex() for m in MAXIMAL if type(m) is type(example)],
        }
        for example in examples()
    ]
    return {
        "about": "Vectors of docs/spec/peer-protocol.md, by tests/p2p/wire/vectors.py; all in hex, "
        "or where that is long as an object: zlib (RFC 1950) in base64.",
        "messages": messages,
        "rejected": [
            {"frame": frame.hex(), "code": refusal_of(frame).code} for frame in rejected()
        ],
        "short": {
            "key": seed("short key")[:SHORT_KEY_BYTES].hex(),
            "id": CHAIN.hex(),
            "short": Shortener(seed("short key")[:SHORT_KEY_BYTES]).of(CHAIN).hex(),
        },
        "hellos": judged(),
        "sums": summed(),
        "compact": shortened(),
        "record": {
            "seed": seed("node").hex(),
            "node": node.public.hex(),
            "chain": CHAIN.hex(),
            "addresses": ["ws://192.0.2.1:4001"],
            "sequence": 7,
            "capabilities": ["blocks/1"],
            "signed": record.raw.hex(),
        },
        "conversation": {
            "chain": CHAIN.hex(),
            **{name: keys(name) for name in SIDES},
            "frames": [frame.hex() if len(frame) < 100 else sha256(frame).hex() for frame in SAID],
            "messages": [
                data.hex() if len(data) < 1000 else sha256(data).hex() for data in await converse()
            ],
            "note": "The last frame, [8, 1, [40000 zero bytes, 40000 zero bytes]], takes two "
            "records; of it and of its message the SHA-256 is given.",
        },
    }


def judged() -> list[Json]:
    """A node's hello, those of others, and the code each is refused with; empty: none."""
    ours = example_hello(version_min=2, version_max=4)
    foreign = Hash(seed("foreign"))
    others = (
        ours,
        replace(ours, version_min=4, version_max=9),
        replace(ours, version_min=0, version_max=2),
        replace(ours, version_min=5, version_max=9),
        replace(ours, version_min=0, version_max=1),
        replace(ours, network="other"),
        replace(ours, genesis=foreign),
        replace(ours, network="other", genesis=foreign, version_min=5, version_max=9),
        replace(ours, genesis=foreign, version_min=5, version_max=9),
        replace(ours, capabilities=("what/7",), height=2**64 - 1, agent=""),
    )
    verdicts = [(theirs, compatible(ours, theirs)) for theirs in others]
    return [
        {
            "ours": encode_message(ours).hex(),
            "theirs": encode_message(theirs).hex(),
            "code": "" if refusal is None else refusal.code,
        }
        for theirs, refusal in verdicts
    ]


def summed() -> dict[str, Json]:
    """What two mempools that have one id in common add up to, and where they differ."""
    shortener = Shortener(seed("short key")[:SHORT_KEY_BYTES])
    ours, theirs = ([Hash(seed(f"id {n}")) for n in numbers] for numbers in (range(5), (0, 9)))
    sums, other = Sums(), Sums()
    for held, of in ((ours, sums), (theirs, other)):
        for txid in held:
            of.change(shortener.of(txid), 1)
    return {
        "key": shortener.key.hex(),
        "ours": [txid.hex() for txid in ours],
        "reconcile": encode_message(Reconcile(sums.encode())).hex(),
        "theirs": [txid.hex() for txid in theirs],
        "differ": encode_message(Differ(other.differing(sums.encode()), False)).hex(),
    }


def shortened() -> dict[str, Json]:
    """Short ids of a compact block."""
    raws = [b"first", b"second"]
    short_id = short_id_of(CHAIN, NONCE)
    return {
        "block": CHAIN.hex(),
        "nonce": NONCE,
        "transactions": [raw.hex() for raw in raws],
        "shorts": [short_id(sha256(raw)).hex() for raw in raws],
    }


def rejected() -> list[bytes]:
    """Frames that no node may take: no messages, beyond a limit, a field that is wrong, too many
    or not there."""
    beyond = [cbor.encode([m.KIND, *m.fields()]) for m, _ in BEYOND]
    lengths = [
        cbor.encode(fields)
        for m in MINIMAL
        for fields in ([m.KIND, *m.fields()[:-1]], [m.KIND, *m.fields(), 0])
    ]
    nulls = [
        cbor.encode([m.KIND, *m.fields()[:place], None, *m.fields()[place + 1 :]])
        for m in MINIMAL
        for place in range(len(m.fields()))
    ]
    return [*(frame for frame, _ in REJECTED), *beyond, *lengths, *nulls]


def refusal_of(frame: bytes) -> Malformed:
    """What the decoder says of a frame that it must not take."""
    try:
        decode_frame(frame)
    except Malformed as refusal:
        return refusal
    raise AssertionError(f"taken: {frame[:100].hex()}")


def packed(value: Json) -> Json:
    """The same with long hex strings compressed."""
    match value:
        case dict():
            return {name: packed(item) for name, item in value.items()}
        case list():
            return [packed(item) for item in value]
        case str() if len(value) > LONG:
            small = zlib.compress(bytes.fromhex(value), 9)
            return {"zlib": base64.b64encode(small).decode()}
    return value


def unpacked(value: Json) -> Json:
    """The vectors with everything in hex; the inverse of `packed`."""
    match value:
        case {"zlib": str(small)}:
            return zlib.decompress(base64.b64decode(small)).hex()
        case dict():
            return {name: unpacked(item) for name, item in value.items()}
        case list():
            return [unpacked(item) for item in value]
    return value


def compressed() -> dict[str, Json]:
    """Everything as it stands in the file."""
    return {name: packed(value) for name, value in trio.run(vectors).items()}


if __name__ == "__main__":
    publish(PATH, compressed)
