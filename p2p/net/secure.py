"""A link that is encrypted and whose far end is proven: Noise XX, bound to Ed25519 identities.

- The Noise static key lives as long as one connection and is signed by the node's identity key,
  together with the network's id. *Why:* identities sign and never agree keys, and a proof made on
  one network is none on another.
- The network's id is the prologue. *Why:* strangers from another network part before a key is
  shown.
- Nothing but the two proofs is said before both have been checked.
- What exceeds a Noise message is cut into records within one message of the link.
"""

import random

from chain.primitives.errors import Malformed
from chain.primitives.hashing import Hash
from chain.primitives.keys import (
    PUBLIC_KEY_BYTES,
    SEED_BYTES,
    SIGNATURE_BYTES,
    AgreementKey,
    KeyPair,
    verify,
)
from p2p.net.noise import MESSAGE_BYTES_MAX, TAG_BYTES, Established, Handshake
from p2p.net.transport import Link

IDENTITY_CONTEXT = b"cornerstone/noise/1"
RECORD_BYTES = MESSAGE_BYTES_MAX - TAG_BYTES


class SecureLink:
    """An encrypted link to `peer`, the 32-byte public key the far end has proved."""

    __slots__ = ("_established", "_link", "bytes_in", "bytes_out", "peer")

    def __init__(self, link: Link, peer: bytes, established: Established) -> None:
        self.peer = peer
        self.bytes_in = 0
        self.bytes_out = 0
        self._link = link
        self._established = established

    @property
    def remote(self) -> str:
        """Where the other end is, for people."""
        return self._link.remote

    async def send(self, frame: bytes) -> None:
        """Send one frame; one task at a time. Raises LinkClosed."""
        encrypt = self._established.send.encrypt
        if len(frame) <= RECORD_BYTES:
            data = encrypt(frame)
        else:
            starts = range(0, len(frame), RECORD_BYTES)
            data = b"".join(encrypt(frame[start : start + RECORD_BYTES]) for start in starts)
        await self._link.send(data)
        self.bytes_out += len(data)

    async def receive(self) -> bytes:
        """The next frame. Raises LinkClosed, or Malformed when it was tampered with."""
        data = await self._link.receive()
        self.bytes_in += len(data)
        decrypt = self._established.receive.decrypt
        if len(data) <= MESSAGE_BYTES_MAX:
            return decrypt(data)
        starts = range(0, len(data), MESSAGE_BYTES_MAX)
        return b"".join(decrypt(data[start : start + MESSAGE_BYTES_MAX]) for start in starts)

    async def aclose(self) -> None:
        """End the link."""
        await self._link.aclose()


async def secure(
    link: Link, identity: KeyPair, chain: Hash, rng: random.Random, *, initiator: bool
) -> SecureLink:
    """Shake hands over a link, which stays the caller's to close when this raises.

    The caller bounds the time. Raises LinkClosed, or Malformed naming what was wrong.
    """
    static = AgreementKey(rng.randbytes(SEED_BYTES))
    ephemeral = AgreementKey(rng.randbytes(SEED_BYTES))
    handshake = Handshake(
        initiator=initiator,
        static=static,
        ephemeral=ephemeral,
        prologue=IDENTITY_CONTEXT + chain,
    )
    proof = identity.public + identity.sign(_signed(chain, static.public))
    if initiator:
        await link.send(handshake.write(b""))
        theirs = handshake.read(await link.receive())
        await link.send(handshake.write(proof))
        established = handshake.finish()
    else:
        handshake.read(await link.receive())
        await link.send(handshake.write(proof))
        theirs = handshake.read(await link.receive())
        established = handshake.finish()
    return SecureLink(link, _identity(theirs, chain, established.remote_static), established)


def _signed(chain: Hash, static: bytes) -> bytes:
    return IDENTITY_CONTEXT + chain + static


def _identity(proof: bytes, chain: Hash, static: bytes) -> bytes:
    if len(proof) != PUBLIC_KEY_BYTES + SIGNATURE_BYTES:
        raise Malformed("identity-proof", f"{len(proof)} bytes, a key and a signature take 96")
    public, signature = proof[:PUBLIC_KEY_BYTES], proof[PUBLIC_KEY_BYTES:]
    if not verify(public, _signed(chain, static), signature):
        raise Malformed("identity-proof", f"{public.hex()} did not sign this connection's key")
    return public
