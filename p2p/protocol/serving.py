"""Answers to requests for transactions: what the mempool has, in messages of a bounded size."""

from collections.abc import Sequence

from chain.pool.mempool import Mempool
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.protocol.allowances import Allowance
from p2p.protocol.effects import Count, Effect, Send
from p2p.protocol.instant import Now
from p2p.wire.messages import Transactions

REPLY_BYTES_MAX = 262_144  # one message of a reply; a longer reply is several messages


class Serving:
    """Serves from one mempool."""

    def __init__(self, mempool: Mempool) -> None:
        self._mempool = mempool

    def answer(
        self,
        peer: PeerId,
        request: int,
        ids: Sequence[Hash | None],
        allowance: Allowance,
        now: Now,
    ) -> list[Effect]:
        """What there is of `ids`; an empty message says that some were missing."""
        effects: list[Effect] = []
        raws: list[bytes] = []
        size = served = 0
        for txid in ids:
            tx = None if txid is None else self._mempool.get(txid)
            if tx is None or not allowance.bytes_served.take(len(tx.raw), now.s):
                continue
            if raws and size + len(tx.raw) > REPLY_BYTES_MAX:
                effects.append(Send(peer, Transactions(request, tuple(raws))))
                raws, size = [], 0
            raws.append(tx.raw)
            size += len(tx.raw)
            served += 1
        if raws:
            effects.append(Send(peer, Transactions(request, tuple(raws))))
            effects.append(Count("gossip", "served", served))
        if served < len(ids):
            effects.append(Send(peer, Transactions(request, ())))
            effects.append(Count("unserved", "transactions", len(ids) - served))
        return effects
