"""Makes the vectors of the peer protocol; `python -m tests.p2p.wire.vectors` prints the file."""

import json
import random
from typing import TypeAlias

import trio

from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import AgreementKey, KeyPair
from p2p.net.secure import secure
from p2p.net.transport import Link
from p2p.wire.codec import encode_message
from p2p.wire.messages import Ping, Transactions
from p2p.wire.records import sign_record
from tests.p2p.net.peers import memory_links
from tests.p2p.wire.messages import examples

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int"

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
        {"kind": m.KIND, "name": type(m).__name__, "cbor": encode_message(m).hex()}
        for m in examples()
    ]
    return {
        "about": "Vectors of docs/spec/peer-protocol.md, by tests/p2p/wire/vectors.py; all in hex.",
        "messages": messages,
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


if __name__ == "__main__":
    print(json.dumps(trio.run(vectors), indent=2))
