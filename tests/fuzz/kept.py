"""What is handed around or kept outside a chain, for the fuzzer.

Handovers, checkpoints, recoveries, a node's memory of its peers, and the addresses that peers give
as their own.
"""

from chain.lightclient import TrustedCheckpoint
from chain.primitives.errors import Refusal
from chain.primitives.hashing import sha256
from p2p.net.transport import LinkClosed, parse_endpoint
from p2p.net.websocket import SCHEME
from p2p.peers.contact import Reach, group_of, is_name, reach_of
from p2p.peers.remembered import MAGIC, decode_remembered, encode_remembered
from tests.chain.receipts.world import handed_over
from tests.chain.test_recovery import Ruined
from tests.p2p.peers.test_remembered import CHAIN, remembered

HEAD_BYTES = len(MAGIC) + 32

ADDRESSES = (
    b"ws://10.2.3.4:4001",
    b"ws://[2001:db8::3]:80",
    b"ws://[fe80::1%eth0]:80",
    b"ws://[::ffff:10.2.3.4]:80",
    b"ws://node.example.:65535",
    b"ws://127.1:80",
)


def handover_samples() -> tuple[bytes, ...]:
    """One change of the authorities."""
    return (handed_over().on.handovers.of(1).encode(),)


def checkpoint_samples() -> tuple[bytes, ...]:
    """A header of the last set, and that set."""
    chain = handed_over()
    return (TrustedCheckpoint(chain.blocks[-1].header, chain.authorities).encode(),)


def recovery_samples() -> tuple[bytes, ...]:
    """One that enough have signed."""
    return (Ruined().signed().encode(),)


def remembered_samples() -> tuple[bytes, ...]:
    """A small book, without the digest."""
    return (encode_remembered(remembered(), CHAIN)[HEAD_BYTES:],)


def remembers(data: bytes) -> bool:
    """Whether a book is read; it encodes to the same bytes."""
    try:
        kept = decode_remembered(MAGIC + sha256(data) + data, CHAIN)
    except Refusal:
        return False
    assert encode_remembered(kept, CHAIN)[HEAD_BYTES:] == data
    return True


def is_somewhere(data: bytes) -> bool:
    """Whether an address leads anywhere; whatever it says, it is of some group."""
    address = data.decode("ascii", errors="replace")
    assert group_of(address) or not address
    is_name(address)
    try:
        parse_endpoint(address, SCHEME)
    except LinkClosed:
        return False
    return reach_of(address) in Reach
