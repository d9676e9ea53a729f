"""The nodes' APIs as the laboratory uses them: many nodes through one client, in trio.

Every question may go unanswered (the node was killed, paused, is starting): that is Unanswered,
and what to do about it is the asker's business.
"""

import json
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import httpx
from trio_websocket import ConnectionClosed, HandshakeError, open_websocket_url

from chain.genesis import Genesis
from chain.primitives import cbor, shape
from chain.primitives.errors import Malformed
from p2p.api.client import ApiError
from p2p.api.governance_views import AuthoritiesView
from p2p.api.json_codec import WrongJson, decode_json
from p2p.api.limits import BATCH_TRANSACTIONS_MAX
from p2p.api.views import (
    AccountView,
    BlocksView,
    BlockView,
    PeersView,
    ProblemView,
    StatusView,
    TransactionView,
)
from testnet.agreement import ChainView, Witness
from testnet.asking import BlockContent, Unanswered, Verdict
from testnet.board import BlockCard

ANSWER_TIMEOUT_S = 5.0
"""A node that has not answered by now is paused or drowning; neither counts as running."""

AGAIN = frozenset({"mempool-full", "mempool-registrations", "sequence-ahead"})
"""Refusals that pass: the mempool drains, the gap closes."""

TAKEN = frozenset({"already-known", "sequence-used"})
"""Refusals that say an earlier attempt arrived; whether it did is for the chain to say."""

BUSY = frozenset({429, 500, 502, 503, 504})
"""HTTP answers that another node, or the same one later, may not give."""

View = TypeVar("View")


class NodeApi:
    """Asks nodes by their base URL. One instance serves any number of them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def status(self, api: str) -> StatusView:
        """GET /v1/status."""
        return await self._get(StatusView, f"{api}/v1/status")

    async def authorities(self, api: str) -> AuthoritiesView:
        """GET /v1/governance/authorities."""
        return await self._get(AuthoritiesView, f"{api}/v1/governance/authorities")

    async def head(self, api: str) -> str:
        """The id of the node's head block."""
        return (await self.status(api)).head

    async def view(self, name: str, api: str) -> ChainView | None:
        """Where the node is; None when it does not answer."""
        try:
            status = await self.status(api)
        except Unanswered:
            return None
        return ChainView(
            name=name,
            height=status.height,
            head=status.head,
            finalized=status.finalized_height,
            peers=status.peers_inbound + status.peers_outbound,
            mempool=status.mempool_transactions,
            state_root=status.state_root,
        )

    async def block_id(self, api: str, height: int) -> str | None:
        """The id of the node's block at a height; None when it has none or does not answer."""
        try:
            return (await self._get(BlockView, f"{api}/v1/blocks/{height}")).id
        except (Unanswered, ApiError):
            return None

    def witness(self, name: str, api: str) -> Witness:
        """The node as `agree` wants to ask it."""
        return Witness(name, partial(self.view, name, api), partial(self.block_id, api))

    async def block(self, api: str, key: str | int) -> BlockContent:
        """A block by id or height; Unanswered also when the node has none."""
        try:
            block = await self._get(BlockView, f"{api}/v1/blocks/{key}")
        except ApiError as error:
            raise Unanswered(str(error)) from error
        return BlockContent(
            id=block.id,
            parent=block.parent,
            height=block.height,
            transactions=tuple(bytes.fromhex(tx.id) for tx in block.transactions),
            failed=tuple(bytes.fromhex(tx.id) for tx in block.transactions if not tx.ok),
        )

    async def block_view(self, api: str, block_id: str) -> BlockView:
        """A block by id. Raises ApiError when the node has none."""
        return await self._get(BlockView, f"{api}/v1/blocks/{block_id}")

    async def is_known(self, api: str, transaction: str) -> bool:
        """Whether the node says that a transaction waits or is included."""
        try:
            await self._get(TransactionView, f"{api}/v1/transactions/{transaction}")
        except ApiError:
            return False
        return True

    async def bytes_out(self, api: str) -> int:
        """Bytes the node has sent to the peers it has now."""
        peers = await self._get(PeersView, f"{api}/v1/peers")
        return sum(peer.bytes_out for peer in peers.peers)

    async def recent(self, api: str, limit: int, authors: dict[str, str]) -> list[BlockCard]:
        """The node's latest blocks; `authors` names DIDs."""
        page = await self._get(BlocksView, f"{api}/v1/blocks?limit={limit}")
        return [
            BlockCard(
                id=block.id,
                parent=block.parent,
                height=block.height,
                slot=block.slot,
                author=authors.get(block.author, block.author[-8:]),
                transactions=block.transaction_count,
            )
            for block in page.blocks
        ]

    async def next_sequence(self, api: str, did: str) -> int:
        """The first sequence number of lane 0 that nothing on the chain or in the mempool uses."""
        account = await self._get(AccountView, f"{api}/v1/accounts/{did}")
        return next((lane.next_free for lane in account.sequences if lane.lane == 0), 0)

    async def submit(self, api: str, raws: Sequence[bytes]) -> list[Verdict]:
        """Submits a batch; verdicts in order."""
        url = f"{api}/v1/transactions"
        headers = {"Content-Type": "application/cbor-seq", "Accept": "application/cbor"}
        body = b"".join(map(cbor.encode, raws))
        answer = await self._ask("POST", url, body, headers)
        try:
            return read_verdicts(answer)
        except Malformed as error:
            raise Unanswered(f"{url}: {error}") from error

    async def follow(self, api: str, heard: Callable[[str], Awaitable[None]]) -> None:
        """Tells `heard` the head now and the id of each block the node connects, without end.

        Raises Unanswered when the node's event stream ends.
        """
        url = f"{api.replace('http', 'ws', 1)}/v1/events?only=block-connected"
        try:
            async with open_websocket_url(url) as events:
                await heard(await self.head(api))
                while True:
                    block = connected_block(await events.get_message())
                    if block is not None:
                        await heard(block)
        except (ConnectionClosed, HandshakeError, OSError, ValueError, KeyError) as error:
            raise Unanswered(f"{url}: {said(error)}") from error

    async def _get(self, kind: type[View], url: str) -> View:
        try:
            return decode_json(kind, await self._ask("GET", url))
        except WrongJson as error:
            raise Unanswered(f"{url}: {error}") from error

    async def _ask(
        self, method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> bytes:
        """The answer's body. Raises ApiError for what the node will not do."""
        try:
            answer = await self._client.request(method, url, content=body, headers=headers)
            if answer.status_code in BUSY:
                raise Unanswered(f"{url}: {answer.status_code} {answer.text[:200]}")
            if answer.status_code != httpx.codes.OK:
                problem = decode_json(ProblemView, answer.content)
                raise ApiError(problem.status, problem.code, problem.detail)
        except (httpx.TransportError, WrongJson) as error:
            raise Unanswered(f"{url}: {said(error)}") from error
        return answer.content


def open_client() -> httpx.AsyncClient:
    """A client for loopback: no proxies, no certificates, answers within ANSWER_TIMEOUT_S."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=256)
    return httpx.AsyncClient(verify=False, trust_env=False, timeout=ANSWER_TIMEOUT_S, limits=limits)


def said(error: Exception) -> str:
    """What an error says, or what it is when it says nothing."""
    return str(error) or type(error).__name__


def read_verdicts(answer: bytes) -> list[Verdict]:
    """Reads the arrays [id, status, code, reason, pushed, announced, queued] of a batch.

    Raises Malformed.
    """
    listed = shape.items(cbor.decode(answer), BATCH_TRANSACTIONS_MAX, "verdicts")
    verdicts = []
    for item in listed:
        _, status, code, *_ = shape.array(item, 7, "verdict")
        verdicts.append(
            judge(shape.text(status, 32, "verdict status"), shape.text(code, 64, "verdict code"))
        )
    return verdicts


def judge(status: str, code: str) -> Verdict:
    """What a verdict means to a sender that may try again."""
    if status != "refused" or code in TAKEN:
        return Verdict("", again=False)
    return Verdict(code, again=code in AGAIN)


def connected_block(text: str | bytes) -> str | None:
    """The block an event tells of; None when it tells of something else."""
    event: Any = json.loads(text)
    return str(event["block"]) if event["event"] == "block-connected" else None


def slot_now(genesis: Genesis) -> int:
    """The slot of this moment."""
    return genesis.slot_at(time.time_ns() // 1_000_000)
