"""Splits a testnet without root: a tap at each node's frame boundary that lets nothing through.

Frames from and to the nodes on the other side vanish without a word, as in a real partition: the
connection stays up until its keepalive gives up, and a new one never gets past the hello. Only
the testnet's node runner puts a tap into a node, and only for a genesis marked `test`.
"""


class Firewall:
    """Implements p2p.net.connection.Tap. Blocks whole nodes by id."""

    def __init__(self) -> None:
        self._blocked: frozenset[bytes] = frozenset()
        self.dropped = 0

    def block(self, ids: tuple[str, ...]) -> None:
        """From now on these nodes (ids in hex) are out of reach, and no others."""
        self._blocked = frozenset(bytes.fromhex(identity) for identity in ids)

    def outgoing(self, peer: bytes, frame: bytes) -> bytes:
        """The frame if it may leave for the peer."""
        return frame if self._pass(peer) else b""

    def incoming(self, peer: bytes, frame: bytes) -> bytes:
        """The frame if it may be read."""
        return frame if self._pass(peer) else b""

    def _pass(self, peer: bytes) -> bool:
        if peer in self._blocked:
            self.dropped += 1
            return False
        return True
