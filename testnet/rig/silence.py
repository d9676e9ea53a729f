"""Members that take and do not give: they pass on nothing of others, or serve nothing."""

from chain.block import decode_header
from chain.primitives.hashing import Hash, sha256
from chain.transactions.envelope import decode_transaction
from p2p.peers.peer import PeerId
from p2p.peers.recent import RecentSet
from p2p.protocol.instant import Now
from p2p.wire.messages import (
    AnnounceBlock,
    AnnounceShort,
    AnnounceTransactions,
    CompactBlock,
    Eager,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetHeaders,
    GetShort,
    GetTransactions,
    Transactions,
)
from testnet.faults.gossip import PromiseNothing, Withhold
from testnet.rig.aim import is_for
from testnet.rig.behaviour import Host, Item
from testnet.rig.held import Held, Inbound, go_on
from testnet.rig.quiet import Quiet

HEARD_MAX = 65_536
"""Transactions others have announced or sent: a minute of full load, as the node itself keeps."""

MS = 1_000


class Withholding(Quiet):
    """Withhold: only the node's own blocks and its clients' transactions leave unasked.

    A transaction is another's when a peer has announced or sent it since the fault began. Short ids
    are all held back: what is the node's own is pushed to everybody anyway.
    """

    def __init__(self, kind: Withhold, to: frozenset[str]) -> None:
        super().__init__()
        self._to = to
        self._heard = RecentSet(HEARD_MAX)

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._heard = RecentSet(HEARD_MAX)

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        for item in items:
            match item:
                case AnnounceTransactions(ids):
                    self._heard.update(ids)
                case Transactions(_, raws):
                    self._heard.update(map(sha256, raws))
                case _:
                    pass
        return items

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if not is_for(self.host, peer, self._to):
            return items
        return [left for item in items if (left := self._own_part(item)) is not None]

    def _own_part(self, item: Item) -> Item | None:
        left: Item | None = item
        match item:
            case AnnounceBlock(header=raw) | CompactBlock(header=raw):
                author = self.host.author
                if author is None or decode_header(raw).author != author.did:
                    left = None
            case AnnounceTransactions(ids):
                own = tuple(txid for txid in ids if txid not in self._heard)
                if own != ids:
                    left = AnnounceTransactions(own) if own else None
            case AnnounceShort():
                left = None
            case Transactions(0, raws):
                pushed = tuple(raw for raw in raws if sha256(raw) not in self._heard)
                if pushed != raws:
                    left = Transactions(0, pushed) if pushed else None
            case _:
                pass
        self.hits += left is not item
        return left


class NeverServing(Quiet):
    """PromiseNothing: what would be pushed is announced, and requests are not read, or only later.

    *Why pushes as well:* who is pushed everything need never ask, and would not feel the fault.
    A compact block passes where a late request is being answered.
    """

    def __init__(self, kind: PromiseNothing, to: frozenset[str]) -> None:
        super().__init__()
        self._delay_s = kind.delay_ms / MS
        self._to = to
        self._held = Held()
        self._owed: dict[tuple[PeerId, Hash], None] = {}

    def begin(self, host: Host) -> None:
        """See Behaviour."""
        super().begin(host)
        self._held = Held()
        self._owed = {}

    def incoming(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if not is_for(self.host, peer, self._to):
            return items
        return [item for item in items if not self._ignored(peer, item)]

    def outgoing(self, peer: PeerId, items: list[Item]) -> list[Item]:
        """See Behaviour."""
        if not is_for(self.host, peer, self._to):
            return items
        return [self._announced(peer, item) for item in items]

    def deadline_s(self) -> float | None:
        """See Behaviour."""
        return self._held.deadline_s()

    def tick(self, now: Now) -> None:
        """See Behaviour."""
        due = self._held.due(now.s)
        for parcel in due:
            match parcel:
                case Inbound(peer, GetCompactBlock(block)):
                    self._owed[peer, block] = None
                case _:
                    pass
        go_on(self.host, due)

    def end(self) -> None:
        """See Behaviour."""
        go_on(self.host, self._held.clear())

    def _announced(self, peer: PeerId, item: Item) -> Item:
        """What a peer hears in place of what it would be pushed."""
        match item:
            case Transactions(0, raws) if raws:
                chain = self.host.ledger.chain
                said: Item = AnnounceTransactions(
                    tuple(decode_transaction(raw, chain).id for raw in raws)
                )
            case CompactBlock(header=raw, seal=seal):
                block = peer, sha256(raw)
                if block in self._owed:
                    del self._owed[block]
                    return item
                said = AnnounceBlock(raw, seal)
            case _:
                return item
        self.hits += 1
        return said

    def _ignored(self, peer: PeerId, item: Item) -> bool:
        match item:
            case (
                GetBlocks()
                | GetHeaders()
                | GetTransactions()
                | GetShort()
                | Eager()
                | GetCompactBlock()
                | GetBlockTransactions()
            ):
                self.hits += 1
                if self._delay_s:
                    self._held.put(self.host.now().s + self._delay_s, Inbound(peer, item))
                return True
            case _:
                return False
