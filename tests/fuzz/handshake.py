"""A handshake whose messages a stranger on the wire, or a hostile peer, has changed."""

from chain.primitives.errors import Malformed
from chain.primitives.keys import AgreementKey
from p2p.net.noise import Handshake

PROLOGUE = b"fuzz"
LENGTH_BYTES = 2


def side(initiator: bool) -> Handshake:
    """One side; its keys are always the same."""
    static, ephemeral = (AgreementKey(bytes([initiator + n]) * 32) for n in (1, 3))
    return Handshake(initiator=initiator, static=static, ephemeral=ephemeral, prologue=PROLOGUE)


def whole() -> list[bytes]:
    """The three messages of a handshake, and one that follows it."""
    left, right = side(True), side(False)
    first = left.write(b"")
    right.read(first)
    second = right.write(b"proof of the responder")
    left.read(second)
    third = left.write(b"proof of the initiator")
    return [first, second, third, left.finish().send.encrypt(b"a frame")]


def joined(messages: list[bytes]) -> bytes:
    """Each after its length."""
    return b"".join(len(one).to_bytes(LENGTH_BYTES, "big") + one for one in messages)


def cut(data: bytes) -> list[bytes]:
    """The messages of `joined`, whatever the lengths say."""
    found: list[bytes] = []
    while data:
        length = int.from_bytes(data[:LENGTH_BYTES], "big")
        found.append(data[LENGTH_BYTES : LENGTH_BYTES + length])
        data = data[LENGTH_BYTES + length :]
    return found


SHAKES = (joined(whole()),)


def shake(data: bytes) -> bool:
    """Both sides read what they are sent in place of the real messages.

    Whatever is changed, a side says Malformed, or has read exactly what the other has written.
    """
    sent = [*cut(data), b"", b"", b"", b""][:4]
    real = whole()
    left, right = side(True), side(False)
    try:
        left.write(b"")
        right.read(sent[0])
        right.write(b"proof of the responder")
        if sent[0] == real[0]:
            assert left.read(sent[1]) == b"proof of the responder"
            assert sent[1] == real[1]
            left.write(b"proof of the initiator")
        assert right.read(sent[2]) == b"proof of the initiator"
        assert sent[2] == real[2]
        assert right.finish().receive.decrypt(sent[3]) == b"a frame"
        assert sent[3] == real[3]
    except Malformed:
        return False
    return True
