"""Noise XX against the published vectors, and against everything that is not an honest peer."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.primitives.errors import Malformed
from chain.primitives.keys import AgreementKey
from p2p.net.noise import MESSAGE_BYTES_MAX, Established, Handshake, NoiseHash

VECTORS = json.loads(
    (Path(__file__).parents[2] / "data" / "noise" / "cacophony-xx.json").read_text()
)["vectors"]
# Points of order 1, 2, 4 and 8 on the curve and its twist, and encodings beyond the field's size
# (https://cr.yp.to/ecdh.html#validate): with each, the shared secret is zero.
LOW_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def key(name: str) -> AgreementKey:
    return AgreementKey(name.encode().ljust(32, b"."))


@dataclass
class Pair:
    """Both sides of a handshake, and what was said so far."""

    left: Handshake
    right: Handshake

    def side(self, step: int) -> tuple[Handshake, Handshake]:
        return (self.left, self.right) if step % 2 == 0 else (self.right, self.left)

    def play(self, steps: int) -> None:
        for step in range(steps):
            writer, reader = self.side(step)
            reader.read(writer.write(b"payload"))

    def read_on(self, step: int, message: bytes) -> None:
        """Read `message`; what is not encrypted yet is judged by the first thing that is."""
        self.side(step)[1].read(message)
        for later in range(step + 1, 3):
            writer, reader = self.side(later)
            reader.read(writer.write(b"payload"))

    def finish(self) -> tuple[Established, Established]:
        return self.left.finish(), self.right.finish()


def pair(prologue: bytes = b"", right_prologue: bytes | None = None) -> Pair:
    other = prologue if right_prologue is None else right_prologue
    return Pair(
        Handshake(initiator=True, static=key("ls"), ephemeral=key("le"), prologue=prologue),
        Handshake(initiator=False, static=key("rs"), ephemeral=key("re"), prologue=other),
    )


@pytest.mark.parametrize("vector", VECTORS, ids=[v["protocol_name"] for v in VECTORS])
def test_published_vectors(vector: dict[str, str]) -> None:
    function = NoiseHash(vector["protocol_name"].rpartition("_")[2])

    def side(who: str) -> Handshake:
        static, ephemeral, prologue = (
            bytes.fromhex(vector[f"{who}_{part}"]) for part in ("static", "ephemeral", "prologue")
        )
        return Handshake(
            initiator=who == "init",
            static=AgreementKey(static),
            ephemeral=AgreementKey(ephemeral),
            prologue=prologue,
            function=function,
        )

    sides = Pair(side("init"), side("resp"))
    messages = [
        (bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"]))  # type: ignore[index]
        for m in vector["messages"]
    ]
    assert len(messages) > 3, "transport messages are part of the vectors"
    for step, (payload, ciphertext) in enumerate(messages[:3]):
        writer, reader = sides.side(step)
        assert writer.write(payload) == ciphertext
        assert reader.read(ciphertext) == payload
    left, right = sides.finish()
    assert left.handshake_hash == right.handshake_hash == bytes.fromhex(vector["handshake_hash"])
    for step, (payload, ciphertext) in enumerate(messages[3:], 3):
        writing, reading = (left, right) if step % 2 == 0 else (right, left)
        assert writing.send.encrypt(payload) == ciphertext
        assert reading.receive.decrypt(ciphertext) == payload


def test_the_vectors_are_all_of_xx_with_the_hashes_spoken_here() -> None:
    names = {vector["protocol_name"] for vector in VECTORS}
    assert names == {f"Noise_XX_25519_ChaChaPoly_{function}" for function in NoiseHash}


def test_each_side_learns_the_others_static_key() -> None:
    sides = pair()
    sides.play(3)
    left, right = sides.finish()
    assert left.remote_static == key("rs").public
    assert right.remote_static == key("ls").public


@pytest.mark.parametrize("step", [0, 1, 2])
def test_any_changed_byte_of_the_handshake_is_noticed(step: int) -> None:
    writer, _ = (probe := pair()).side(step)
    probe.play(step)
    for position in range(len(writer.write(b"payload"))):
        sides = pair()
        sides.play(step)
        writer, _ = sides.side(step)
        message = bytearray(writer.write(b"payload"))
        message[position] ^= 1
        with pytest.raises(Malformed):
            sides.read_on(step, bytes(message))


def test_different_prologues_do_not_meet() -> None:
    sides = pair(b"one", b"two")
    with pytest.raises(Malformed, match="noise-decrypt"):
        sides.play(3)


@pytest.mark.parametrize("point", LOW_ORDER)
def test_points_of_low_order_are_refused(point: str) -> None:
    sides = pair()
    sides.right.read(bytes.fromhex(point))
    with pytest.raises(Malformed, match="noise-key"):
        sides.right.write(b"")
    sides = pair()
    sides.left.write(b"")
    with pytest.raises(Malformed, match="noise-key"):
        sides.left.read(bytes.fromhex(point) + bytes(64))


@pytest.mark.parametrize("step", [0, 1, 2])
@given(data=st.binary(max_size=200))
def test_whatever_a_stranger_sends_is_malformed_at_worst(step: int, data: bytes) -> None:
    sides = pair()
    sides.play(step)
    writer, reader = sides.side(step)
    writer.write(b"")
    try:
        reader.read(data)
    except Malformed:
        return
    assert step == 0, "from the second message on, everything is authenticated"


def test_a_message_beyond_the_limit_is_refused_before_it_is_hashed() -> None:
    with pytest.raises(Malformed, match="noise-length"):
        pair().right.read(bytes(MESSAGE_BYTES_MAX + 1))


def test_transport_messages_cannot_be_changed_repeated_swapped_or_dropped() -> None:
    sides = pair()
    sides.play(3)
    left, right = sides.finish()
    one, two, three = (left.send.encrypt(text) for text in (b"one", b"two", b"three"))
    assert right.receive.decrypt(one) == b"one"
    for wrong in (one, three, two[:-1] + bytes([two[-1] ^ 1]), b"", two[:15]):
        attempt = pair()
        attempt.play(3)
        _, receiver = attempt.finish()
        receiver.receive.decrypt(one)
        with pytest.raises(Malformed, match="noise-decrypt"):
            receiver.receive.decrypt(wrong)
    with pytest.raises(Malformed):
        left.receive.decrypt(two)  # back to its own sender
