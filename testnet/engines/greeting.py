"""What a party of the engine tier says of itself."""

from chain.genesis import Genesis
from chain.primitives.hashing import Hash
from p2p.peering import AGENT, CAPABILITIES
from p2p.wire.messages import PROTOCOL_VERSION, Hello


def hello_of(genesis: Genesis, record: bytes, height: int, head: Hash) -> Hello:
    """What a party says of itself; nothing is final in this tier."""
    return Hello(
        version_min=PROTOCOL_VERSION,
        version_max=PROTOCOL_VERSION,
        network=genesis.network,
        genesis=genesis.hash,
        capabilities=CAPABILITIES,
        record=record,
        height=height,
        head=head,
        finalized_height=0,
        finalized=genesis.hash,
        agent=AGENT,
    )
