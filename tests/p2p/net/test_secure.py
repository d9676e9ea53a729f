"""The secure link: who is at the far end, and what somebody on the wire can do."""

import random
from collections.abc import Callable

import pytest
import trio
import trio.testing

from chain.primitives.errors import Malformed, Refusal
from chain.primitives.hashing import Hash, sha256
from chain.primitives.keys import AgreementKey, KeyPair
from p2p.net.noise import Handshake
from p2p.net.secure import IDENTITY_CONTEXT, RECORD_BYTES, SecureLink, secure
from p2p.net.transport import LINK_MESSAGE_BYTES_MAX, Link, LinkClosed
from p2p.wire.codec import FRAME_BYTES_MAX
from tests.p2p.net.conftest import Wires, forever

ANN, BOB, EVE = (KeyPair.from_seed(sha256(name)) for name in (b"ann", b"bob", b"eve"))
CHAIN, FOREIGN = Hash(b"c" * 32), Hash(b"f" * 32)


class Wire:
    """A link somebody sits on: notes what is sent, and may change it."""

    def __init__(self, link: Link, change: Callable[[int, bytes], list[bytes]]) -> None:
        self.remote = link.remote
        self.sent: list[bytes] = []
        self._link = link
        self._change = change

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        for message in self._change(len(self.sent) - 1, data):
            await self._link.send(message)

    async def receive(self) -> bytes:
        return await self._link.receive()

    def trust(self) -> None:
        self._link.trust()

    async def aclose(self) -> None:
        await self._link.aclose()


def untouched(index: int, data: bytes) -> list[bytes]:
    return [data]


async def secured(
    left: Link, right: Link, *, chains: tuple[Hash, Hash] = (CHAIN, CHAIN)
) -> tuple[SecureLink, SecureLink]:
    """Ann dials Bob."""
    links: dict[str, SecureLink] = {}

    async def shake(name: str, link: Link, identity: KeyPair, chain: Hash) -> None:
        rng = random.Random(name)
        links[name] = await secure(link, identity, chain, rng, initiator=name == "left")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shake, "left", left, ANN, chains[0])
        nursery.start_soon(shake, "right", right, BOB, chains[1])
    return links["left"], links["right"]


async def close(*links: Link | SecureLink) -> None:
    async with trio.open_nursery() as nursery:
        for link in links:
            nursery.start_soon(link.aclose)


async def test_both_sides_know_whom_they_talk_to_and_for_which_network(wires: Wires) -> None:
    left, right = await secured(*await wires.link(), chains=(CHAIN, FOREIGN))
    assert (left.peer, right.peer) == (BOB.public, ANN.public)
    assert (left.chain, right.chain) == (FOREIGN, CHAIN)
    await close(left, right)


@pytest.mark.parametrize(
    "size",
    [0, 1, RECORD_BYTES - 4, RECORD_BYTES - 3, 2 * RECORD_BYTES - 4, 1_000_000, FRAME_BYTES_MAX],
)
async def test_frames_of_every_size_pass(wires: Wires, size: int) -> None:
    left, right = await secured(*await wires.link())
    frame = random.Random(size).randbytes(size)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.send, frame)
        assert await right.receive() == frame
    assert left.bytes_out == right.bytes_in <= LINK_MESSAGE_BYTES_MAX
    await close(left, right)


async def test_nothing_is_said_in_clear_or_before_both_have_proved_themselves(wires: Wires) -> None:
    left_raw, right_raw = await wires.link()
    left_wire, right_wire = Wire(left_raw, untouched), Wire(right_raw, untouched)
    left, right = await secured(left_wire, right_wire)
    # e; e, ee, s, es and a proof; s, se and a proof: keys and proofs of fixed size, nothing else.
    assert [len(message) for message in left_wire.sent] == [32, 48 + 128 + 16]
    assert [len(message) for message in right_wire.sent] == [32 + 48 + 128 + 16]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(left.send, b"a secret of ours")
        await right.receive()
    for data in (*left_wire.sent, *right_wire.sent):
        for known in (ANN.public, BOB.public, CHAIN, b"a secret of ours"):
            assert known not in data
    await close(left, right)


async def test_who_says_something_before_it_is_secret_is_refused(wires: Wires) -> None:
    left, right = await wires.link()
    static, ephemeral = AgreementKey(bytes([1]) * 32), AgreementKey(bytes([2]) * 32)
    hasty = Handshake(initiator=True, static=static, ephemeral=ephemeral, prologue=IDENTITY_CONTEXT)
    await left.send(hasty.write(b"in a hurry"))
    with pytest.raises(Malformed, match="early-payload: 10 bytes"):
        await secure(right, BOB, CHAIN, random.Random(0), initiator=False)
    await close(left, right)


def flipped(at: int) -> Callable[[int, bytes], list[bytes]]:
    def change(index: int, data: bytes) -> list[bytes]:
        return [data[:-1] + bytes([data[-1] ^ 1])] if index == at else [data]

    return change


@pytest.mark.parametrize(("who", "message"), [("left", 0), ("left", 1), ("right", 0)])
async def test_a_handshake_that_was_touched_fails(wires: Wires, who: str, message: int) -> None:
    left, right = await wires.link()
    ends = {
        "left": Wire(left, flipped(message) if who == "left" else untouched),
        "right": Wire(right, flipped(message) if who == "right" else untouched),
    }
    failed: list[str] = []

    async def shake(name: str) -> None:
        try:
            await secure(ends[name], ANN, CHAIN, random.Random(1), initiator=name == "left")
        except (Malformed, LinkClosed):
            failed.append(name)
            await ends[name].aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shake, "left")
        nursery.start_soon(shake, "right")
    assert failed
    await close(left, right)


async def impostor(link: Link, proof: Callable[[bytes], bytes]) -> None:
    """A dialler whose proof is made of its static key by `proof`."""
    static = AgreementKey(sha256(b"static"))
    handshake = Handshake(
        initiator=True,
        static=static,
        ephemeral=AgreementKey(sha256(b"ephemeral")),
        prologue=IDENTITY_CONTEXT,
    )
    await link.send(handshake.write(b""))
    handshake.read(await link.receive())
    await link.send(handshake.write(proof(static.public)))


def sign(key: KeyPair, public: bytes, chain: bytes, signed_chain: bytes, static: bytes) -> bytes:
    return chain + public + key.sign(IDENTITY_CONTEXT + signed_chain + static)


@pytest.mark.parametrize(
    "proof",
    [
        lambda static: b"",
        lambda static: sign(EVE, EVE.public, CHAIN, CHAIN, static)[:-1],
        lambda static: sign(EVE, EVE.public, CHAIN, CHAIN, static) + b"\0",
        lambda static: sign(EVE, BOB.public, CHAIN, CHAIN, static),
        lambda static: sign(EVE, EVE.public, CHAIN, FOREIGN, static),
        lambda static: sign(EVE, EVE.public, CHAIN, CHAIN, bytes(32)),
        lambda static: CHAIN + bytes(32) + bytes(64),
    ],
    ids=["none", "short", "long", "another's key", "another chain", "another static", "null key"],
)
async def test_a_false_proof_is_refused(wires: Wires, proof: Callable[[bytes], bytes]) -> None:
    left, right = await wires.link()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(impostor, left, proof)
        with pytest.raises(Malformed, match="identity-proof"):
            await secure(right, BOB, CHAIN, random.Random(1), initiator=False)
    await close(left, right)


def cut(index: int, data: bytes) -> list[bytes]:
    """Drops the last record of every message with several."""
    return [data[:65_535]] if len(data) > 65_535 else [data]


def repeated(index: int, data: bytes) -> list[bytes]:
    return [data, data] if index >= 2 else [data]


def dropped(index: int, data: bytes) -> list[bytes]:
    return [] if index == 2 else [data]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (flipped(2), "noise-decrypt"),
        (cut, "frame-length"),
        (repeated, "noise-decrypt"),
        (dropped, "noise-decrypt"),
    ],
)
async def test_what_happens_on_the_wire_is_noticed(
    wires: Wires, change: Callable[[int, bytes], list[bytes]], code: str
) -> None:
    left_raw, right_raw = await wires.link()
    left, right = await secured(Wire(left_raw, change), right_raw)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def send() -> None:
            for number in range(3):
                await left.send(bytes([number]) * 100_000)

        with pytest.raises(Malformed, match=code):
            await forever(right.receive)
        # Nobody reads the rest, which sockets need not have room for.
        nursery.cancel_scope.cancel()
    await close(left, right)


async def test_random_bytes_are_malformed_at_worst(wires: Wires) -> None:
    rng = random.Random(7)
    for _ in range(20):
        left, right = await wires.link()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def stranger(left: Link = left) -> None:
                for _ in range(3):
                    try:
                        await left.send(rng.randbytes(rng.choice([0, 31, 32, 96, 200, 70_000])))
                    except LinkClosed:
                        return

            with pytest.raises(Refusal):
                await secure(right, BOB, CHAIN, random.Random(1), initiator=False)
            await right.aclose()
        await left.aclose()


async def test_a_frame_cut_off_half_way_ends_what_can_be_said(
    wires: Wires, impatient_clock: trio.testing.MockClock
) -> None:
    left, right = await secured(*await wires.link())
    with trio.move_on_after(60):
        while True:
            await left.send(bytes(1_000_000))  # until nothing fits any more
    with trio.fail_after(60), pytest.raises(LinkClosed, match="half way"):
        await left.send(b"next")
    await close(left, right)
