"""A link that is encrypted and whose far end is proven: Noise XX, bound to Ed25519 identities.

- The Noise static key lives as long as one connection and is signed by the node's identity key,
  together with the network's id. *Why:* identities sign and never agree keys, and a proof made on
  one network is none on another.
- Nothing but the two proofs is said before both have been checked.
- The proof names its network, and a foreign network's proof is a good one. *Why:* the hello that
  follows says which two networks met; a failed decryption would not.
- What exceeds a Noise message is cut into records within one message of the link. The frame's
  length goes first, encrypted with it. *Why:* whoever sits on the wire could otherwise cut a frame
  between two records and have the rest of it read as a whole.
Spec: docs/spec/peer-protocol.md.
"""

import random

from chain.primitives.errors import Malformed
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.primitives.keys import (
    PUBLIC_KEY_BYTES,
    SEED_BYTES,
    SIGNATURE_BYTES,
    AgreementKey,
    KeyPair,
    verify,
)
from p2p.net.noise import MESSAGE_BYTES_MAX, TAG_BYTES, Established, Handshake
from p2p.net.transport import Link, LinkClosed

IDENTITY_CONTEXT = b"cornerstone/noise/1"
RECORD_BYTES = MESSAGE_BYTES_MAX - TAG_BYTES
LENGTH_BYTES = 4
PROOF_BYTES = HASH_BYTES + PUBLIC_KEY_BYTES + SIGNATURE_BYTES


class SecureLink:
    """An encrypted link. The far end has proved to be `peer`, for the network `chain`."""

    __slots__ = ("_established", "_link", "_torn", "bytes_in", "bytes_out", "chain", "peer")

    def __init__(self, link: Link, chain: Hash, peer: bytes, established: Established) -> None:
        self.chain = chain
        self.peer = peer
        self.bytes_in = 0
        self.bytes_out = 0
        self._link = link
        self._established = established
        self._torn = False

    @property
    def remote(self) -> str:
        """Where the other end is, for people."""
        return self._link.remote

    async def send(self, frame: bytes) -> None:
        """Send one frame; one task at a time. Raises LinkClosed, also after a cancelled send."""
        if self._torn:
            raise LinkClosed("a frame was cut off half way; what follows could not be read")
        encrypt = self._established.send.encrypt
        plain = len(frame).to_bytes(LENGTH_BYTES, "big") + frame
        if len(plain) <= RECORD_BYTES:
            data = encrypt(plain)
        else:
            starts = range(0, len(plain), RECORD_BYTES)
            data = b"".join([encrypt(plain[start : start + RECORD_BYTES]) for start in starts])
        self._torn = True
        await self._link.send(data)
        self._torn = False
        self.bytes_out += len(data)

    async def receive(self) -> bytes:
        """The next frame. Raises LinkClosed, or Malformed when it was tampered with."""
        data = await self._link.receive()
        self.bytes_in += len(data)
        decrypt = self._established.receive.decrypt
        if len(data) <= MESSAGE_BYTES_MAX:
            plain = decrypt(data)
        else:
            starts = range(0, len(data), MESSAGE_BYTES_MAX)
            plain = b"".join([decrypt(data[start : start + MESSAGE_BYTES_MAX]) for start in starts])
        said = int.from_bytes(plain[:LENGTH_BYTES], "big")
        frame = plain[LENGTH_BYTES:]
        if said != len(frame):
            raise Malformed("frame-length", f"a frame of {said} bytes came with {len(frame)}")
        return frame

    async def aclose(self) -> None:
        """End the link."""
        await self._link.aclose()


async def secure(
    link: Link, identity: KeyPair, chain: Hash, rng: random.Random, *, initiator: bool
) -> SecureLink:
    """Shake hands over a link, which stays the caller's to close when this raises.

    `rng` must be unpredictable outside tests (random.SystemRandom): the connection's keys come
    from it. The caller bounds the time. Raises LinkClosed, or Malformed naming what was wrong.
    """
    static = AgreementKey(rng.randbytes(SEED_BYTES))
    ephemeral = AgreementKey(rng.randbytes(SEED_BYTES))
    handshake = Handshake(
        initiator=initiator, static=static, ephemeral=ephemeral, prologue=IDENTITY_CONTEXT
    )
    proof = chain + identity.public + identity.sign(_signed(chain, static.public))
    if initiator:
        await link.send(handshake.write(b""))
        theirs = _Proof(handshake.read(await link.receive()), handshake.remote_static)
        await link.send(handshake.write(proof))
    else:
        said = handshake.read(await link.receive())
        if said:
            raise Malformed("early-payload", f"{len(said)} bytes said before anything is secret")
        await link.send(handshake.write(proof))
        theirs = _Proof(handshake.read(await link.receive()), handshake.remote_static)
    link.trust()
    return SecureLink(link, theirs.chain, theirs.peer, handshake.finish())


class _Proof:
    """The chain and identity a peer stands for, checked. Raises Malformed."""

    __slots__ = ("chain", "peer")

    def __init__(self, proof: bytes, static: bytes) -> None:
        if len(proof) != PROOF_BYTES:
            raise Malformed(
                "identity-proof",
                f"{len(proof)} bytes; network, key and signature take {PROOF_BYTES}",
            )
        self.chain = Hash(proof[:HASH_BYTES])
        self.peer = proof[HASH_BYTES:-SIGNATURE_BYTES]
        if not verify(self.peer, _signed(self.chain, static), proof[-SIGNATURE_BYTES:]):
            raise Malformed(
                "identity-proof", f"{self.peer.hex()} did not sign this connection's key"
            )


def _signed(chain: Hash, static: bytes) -> bytes:
    return IDENTITY_CONTEXT + chain + static
