"""What is seen of hosts, as the facts of every tier."""

from dataclasses import replace

from chain.block import encode_block
from chain.ledger import (
    BlockConnected,
    BlockDisconnected,
    BlockFinalized,
    BlockJustified,
    EvidenceFound,
    LedgerEvent,
    TransactionAdded,
)
from chain.ledger import TransactionDropped as Dropped
from chain.primitives.hashing import Hash
from p2p.finality_status import why_late
from p2p.peers.peer import short
from p2p.protocol.effects import Penalize
from testnet.checkers.checker import FinalNode
from testnet.confirming import Herald
from testnet.engines.host import Host
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Refused,
    TransactionDropped,
    TransactionSeen,
)
from testnet.stage import Audience, Standing


class Teller:
    """Tells an audience. Implements testnet.engines.host.Witness.

    Texts of a block are made once and shared by the facts of all hosts.
    """

    def __init__(self, audience: Audience) -> None:
        self._audience = audience
        self._joined: dict[tuple[Hash, bool], BlockJoined] = {}
        self._encoded: dict[Hash, bytes] = {}
        self._texts: dict[Hash, str] = {}
        self._heralds: dict[str, Herald] = {}

    def told(self, host: Host, event: LedgerEvent) -> None:
        """See Witness."""
        saw = self._audience.saw
        match event:
            case BlockConnected():
                self._block(host, event.block_id, event.transactions)
            case BlockDisconnected():
                saw(BlockLeft(host.name, event.block_id.hex(), event.height))
            case BlockJustified() | BlockFinalized() | EvidenceFound():
                if host.name not in self._heralds:
                    self._heralds[host.name] = Herald(host.name, self._audience)
                self._heralds[host.name].told(host.ledger, event)
            case TransactionAdded(txid):
                saw(TransactionSeen(host.name, self._text(txid)))
            case Dropped(txid, code, reason):
                saw(TransactionDropped(host.name, self._text(txid), code, reason))
            case _:
                pass  # the head follows from the blocks

    def penalized(self, host: Host, penalty: Penalize) -> None:
        """See Witness."""
        self._audience.saw(Refused(host.name, short(penalty.peer), penalty.code, penalty.reason))

    def started(self, host: Host, *, honest: bool) -> None:
        """A host serves, and what its head is."""
        self._audience.saw(NodeStarted(host.name, honest))
        self._block(host, host.ledger.head.id, ())

    def killed(self, host: Host) -> None:
        """A host's process has ended at once."""
        self._audience.saw(NodeStopped(host.name, "killed"))

    def glimpse(self, host: Host) -> None:
        """How a host stands, for the record."""
        head = host.ledger.head
        self._audience.saw(
            Glimpse(
                node=host.name,
                height=head.height,
                head=self._text(head.id),
                peers=len(host.ways),
                mempool=len(host.ledger.mempool),
                mempool_bytes=host.ledger.mempool.bytes,
                queued_bytes=0,
                bytes_out=0,
                messages_out=host.messages_out,
                redials=host.ground.net.redials.of(host.name),
                late=why_late(host.ledger, host.ledger.genesis.slot_at(host.now().unix_ms)),
            )
        )

    def final(self, host: Host, *, honest: bool) -> FinalNode:
        """A host at the end of the run."""
        if not host.up:
            return FinalNode(host.name, False, honest, (), "", (), ())
        ledger = host.ledger
        ids = (ledger.block_id_at(height) for height in range(ledger.head.height + 1))
        return FinalNode(
            name=host.name,
            running=True,
            honest=honest,
            blocks=tuple(self._bytes(host, block_id) for block_id in ids if block_id is not None),
            state=ledger.head.header.state.hex(),
            pending=tuple(self._text(tx.id) for tx in ledger.mempool),
            supplies=tuple((c.code, ledger.supply(c.code)) for c in ledger.genesis.currencies),
        )

    def _block(self, host: Host, block_id: Hash, transactions: tuple[Hash, ...]) -> None:
        known = self._joined.get((block_id, bool(transactions)))
        if known is None:
            header = host.ledger.header(block_id)
            assert header is not None, "a block that joined the chain is in the ledger"
            known = self._joined[block_id, bool(transactions)] = BlockJoined(
                node=host.name,
                block=self._text(block_id),
                parent=self._text(header.parent),
                height=header.height,
                slot=header.slot,
                author=header.author.hex(),
                state=header.state.hex(),
                transactions=tuple(self._text(txid) for txid in transactions),
            )
        self._audience.saw(replace(known, node=host.name))

    def _bytes(self, host: Host, block_id: Hash) -> bytes:
        found = self._encoded.get(block_id)
        if found is None:
            block = host.ledger.block(block_id)
            assert block is not None, "a block of the chain is in the ledger"
            found = self._encoded[block_id] = encode_block(block)
        return found

    def _text(self, block_id: Hash) -> str:
        found = self._texts.get(block_id)
        if found is None:
            found = self._texts[block_id] = block_id.hex()
        return found


def standing(host: Host) -> Standing:
    """How a host stands now."""
    if not host.up:
        return Standing(host.name, False, 0, "", 0, 0)
    head, mempool = host.ledger.head, host.ledger.mempool
    return Standing(host.name, True, head.height, head.id.hex(), len(host.ways), len(mempool))
