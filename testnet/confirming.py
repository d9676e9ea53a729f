"""What a ledger says of finality, as the fact of every tier."""

from chain.ledger import BlockFinalized, BlockJustified
from testnet.observation import Confirmed


def confirmed(node: str, event: BlockJustified | BlockFinalized) -> Confirmed:
    """The fact that an event of a node's ledger is."""
    final = isinstance(event, BlockFinalized)
    return Confirmed(node, event.block_id.hex(), event.height, event.epoch, event.set_id, final)
