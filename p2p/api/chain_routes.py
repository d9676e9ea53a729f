"""The node and its chain: status, peers, genesis, blocks."""

from dataclasses import replace
from typing import Annotated

import trio
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from chain.block import Block
from p2p.api.finality_views import FinalityView, finality_view
from p2p.api.limits import BLOCKS_PAGE, BLOCKS_PAGE_MAX, PATH_TEXT_MAX
from p2p.api.problems import Problem
from p2p.api.requests import CBOR, parse_hash
from p2p.api.routing import Served, add_get, described, json_response
from p2p.api.views import (
    BlockSummary,
    BlocksView,
    BlockView,
    CountersView,
    CounterView,
    Included,
    PeersView,
    PeerView,
    StatusView,
    SyncView,
)
from p2p.progress import SyncProgress
from p2p.status import NodeStatus, PeerStatus
from p2p.version import VERSION

HEIGHT_DIGITS_MAX = 19
"""More digits than the largest height has are no height."""

Reference = Annotated[
    str, Path(max_length=PATH_TEXT_MAX, description="Height on the head's chain, or block id")
]
Limit = Annotated[int, Query(ge=1, le=BLOCKS_PAGE_MAX, description="How many blocks at most")]
Before = Annotated[int | None, Query(ge=0, description="Only blocks below this height")]


class ChainRoutes:
    """Endpoints about one node."""

    def __init__(self, served: Served) -> None:
        self._served = served
        router = self.router = APIRouter(prefix="/v1", tags=["chain"])
        add_get(router, "/status", self.status, StatusView)
        add_get(router, "/finality", self.finality, FinalityView)
        add_get(router, "/peers", self.peers, PeersView)
        add_get(router, "/counters", self.counters, CountersView)
        add_get(router, "/blocks", self.blocks, BlocksView, 422)
        add_get(router, "/blocks/{reference}", self.block, BlockView, 400, 404, 422)
        router.add_api_route(
            "/genesis",
            self.genesis,
            summary="The compiled genesis; its sha256 is the chain's id",
            response_class=Response,
            responses={200: {"content": {CBOR: {}}}, **described()},
        )

    async def status(self) -> Response:
        """Where the node stands."""
        return json_response(status_view(self._served.node.status()))

    async def finality(self) -> Response:
        """What is final and justified, who votes, and why it is late."""
        status, genesis = self._served.node.status(), self._served.genesis
        return json_response(finality_view(status.finality, genesis, status.slot))

    async def peers(self) -> Response:
        """Its connected peers."""
        peers = sorted(self._served.node.peers(), key=lambda peer: peer.id)
        return json_response(PeersView(tuple(peer_view(peer) for peer in peers)))

    async def counters(self) -> Response:
        """What it has refused, failed at and otherwise counted, by reason."""
        totals = sorted(self._served.node.observer.totals().items())
        counters = tuple(CounterView(name, reason, total) for (name, reason), total in totals)
        return json_response(CountersView(counters))

    async def genesis(self) -> Response:
        """The network's founding document, in CBOR."""
        return Response(self._served.genesis.encode(), media_type=CBOR)

    async def blocks(self, limit: Limit = BLOCKS_PAGE, before: Before = None) -> Response:
        """Blocks of the head's chain, newest first."""
        height = self._served.ledger.head.height
        top = height if before is None else min(before - 1, height)
        heights = range(top, max(top - limit, -1), -1)
        ids = [found for at in heights if (found := self._served.ledger.block_id_at(at))]
        summaries: list[BlockSummary] = []
        for block_id in ids:
            summaries.append(self._served.present.summary_of(block_id))
            await trio.lowlevel.checkpoint()  # a page of full blocks takes seconds; others go on
        return json_response(BlocksView(tuple(summaries)))

    async def block(self, reference: Reference) -> Response:
        """A block with the results of its transactions."""
        block, present = self._find(reference), self._served.present
        view, results = present.block(block), present.results(block)
        included: list[Included] = []
        for part in results:
            included += part
            await trio.lowlevel.checkpoint()
        return json_response(replace(view, transactions=tuple(included)))

    def _find(self, reference: str) -> Block:
        ledger = self._served.ledger
        if reference.isdecimal() and reference.isascii() and len(reference) <= HEIGHT_DIGITS_MAX:
            block = ledger.block_at(int(reference))
            where = f"no block at height {reference}; the head is at {ledger.head.height}"
        else:
            block = ledger.block(parse_hash(reference, "block"))
            where = f"no block {reference} is known here"
        if block is None:
            raise Problem(404, "unknown-block", where)
        return block


def status_view(status: NodeStatus) -> StatusView:
    """A node's status as the API shows it."""
    return StatusView(
        name=status.name,
        id=status.id.hex(),
        address=status.address,
        network=status.network,
        genesis_hash=status.chain.hex(),
        consensus=status.consensus,
        version=VERSION,
        agent=status.agent,
        height=status.height,
        head=status.head.hex(),
        head_slot=status.head_slot,
        state_root=status.state_root.hex(),
        finalized_height=status.finalized_height,
        finalized=status.finalized.hex(),
        justified_height=status.finality.justified_height,
        justified=status.finality.justified.hex(),
        finality_late=status.finality_late,
        slot=status.slot,
        syncing=status.syncing,
        sync=None if status.sync is None else sync_view(status.sync),
        producing=status.producing,
        voting=status.voting,
        peers_inbound=status.peers_inbound,
        peers_outbound=status.peers_outbound,
        peers_known=status.peers_known,
        peers_tried=status.peers_tried,
        mempool_transactions=status.mempool_transactions,
        mempool_bytes=status.mempool_bytes,
        uptime_s=round(status.uptime_s, 3),
        expiry_slots_max=status.expiry_slots_max,
        recoveries=status.recoveries,
    )


def sync_view(progress: SyncProgress) -> SyncView:
    """Progress as the API shows it."""
    eta_s = progress.eta_s
    return SyncView(
        target=progress.target,
        blocks_per_s=round(progress.blocks_per_s, 1),
        transactions_per_s=round(progress.transactions_per_s, 1),
        eta_s=None if eta_s is None else round(eta_s, 1),
    )


def peer_view(peer: PeerStatus) -> PeerView:
    """A peer as the API shows it."""
    latency = peer.latency_ms
    return PeerView(
        id=peer.id.hex(),
        address=peer.address,
        direction="out" if peer.outbound else "in",
        agent=peer.agent,
        height=peer.height,
        head=peer.head.hex(),
        connected_s=round(peer.connected_s, 3),
        latency_ms=None if latency is None else round(latency, 3),
        score=peer.score,
        bytes_in=peer.bytes_in,
        bytes_out=peer.bytes_out,
    )
