"""Transactions: hand over one or many, look one up, wait until it is in a block."""

from typing import Annotated

import trio
from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from chain.primitives import cbor
from chain.primitives.hashing import Hash
from p2p.api.limits import (
    BATCH_BYTES_MAX,
    BATCHES_MAX,
    PATH_TEXT_MAX,
    WAIT_S_MAX,
    WAITERS_MAX,
)
from p2p.api.problems import Problem
from p2p.api.requests import (
    CBOR,
    CBOR_SEQUENCE,
    JSON,
    media_type,
    parse_hash,
    read_body,
    read_json,
    read_sequence,
    wants_cbor,
)
from p2p.api.routing import Served, add_get, described, json_response
from p2p.api.views import SubmitsView, SubmitView, TransactionView
from p2p.protocol.effects import SubmitResult

KNOWN = frozenset({"already-known", "already-included"})
"""Who sends a transaction again, not knowing whether it arrived, is told that it did."""
REFUSED = "refused"
SUBMISSION = {
    "content": {
        JSON: {"example": {"raw": "d28458..."}},
        CBOR: {"schema": {"type": "string", "format": "binary"}},
        CBOR_SEQUENCE: {"schema": {"type": "string", "format": "binary"}},
    },
    "required": True,
}

TransactionId = Annotated[str, Path(max_length=PATH_TEXT_MAX, description="Transaction id, hex")]
Wait = Annotated[
    float, Query(ge=0, le=WAIT_S_MAX, description="Seconds to wait for it to be in a block")
]


class TransactionRoutes:
    """Endpoints about transactions."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._batches = trio.CapacityLimiter(BATCHES_MAX)
        self._waiters = 0
        router = self.router = APIRouter(prefix="/v1/transactions", tags=["transactions"])
        add_get(router, "/{txid}", self.transaction, TransactionView, 400, 404, 422, 429)
        router.add_api_route(
            "",
            self.submit,
            methods=["POST"],
            response_model=SubmitView | SubmitsView,
            summary="Hand over signed transactions",
            responses=described(400, 408, 409, 413, 415, 422),
            openapi_extra={"requestBody": SUBMISSION},
        )

    async def submit(self, request: Request) -> Response:
        """Check signed transactions, take them into the mempool and pass them on to peers.

        One: `application/cbor` (its bytes) or `application/json` ({"raw": hex or base64url});
        answered 202 with its id, or with a problem. Many: `application/cbor-seq` (a CBOR sequence
        of byte strings) or a JSON list; answered 200 with one verdict each, in order. With
        `Accept: application/cbor` verdicts are arrays
        [id, status, code, reason, pushed, announced, queued].
        """
        match media_type(request):
            case "application/cbor-seq":
                async with self._batches:
                    raws = read_sequence(await read_body(request, BATCH_BYTES_MAX))
                    return await self._submit_many(request, raws)
            case "application/cbor":
                return await self._submit_one(request, await read_body(request, BATCH_BYTES_MAX))
            case "application/json":
                async with self._batches:
                    raws, many = read_json(await read_body(request, BATCH_BYTES_MAX))
                    if many:
                        return await self._submit_many(request, raws)
                    return await self._submit_one(request, raws[0])
        raise Problem(
            415,
            "media-type",
            f"send {JSON}, {CBOR} or {CBOR_SEQUENCE}, not {media_type(request)!r}",
        )

    async def _submit_one(self, request: Request, raw: bytes) -> Response:
        (result,) = await self._served.node.submit([raw])
        if _status(result) == REFUSED:
            raise Problem(422, result.code, result.reason)
        if wants_cbor(request):
            return Response(cbor.encode(_verdict(result)), 202, media_type=CBOR)
        return json_response(submit_view(result), 202)

    async def _submit_many(self, request: Request, raws: list[bytes]) -> Response:
        results = await self._served.node.submit(raws)
        if wants_cbor(request):
            return Response(cbor.encode([_verdict(r) for r in results]), media_type=CBOR)
        views = tuple(submit_view(result) for result in results)
        taken = sum(view.status != REFUSED for view in views)
        return json_response(SubmitsView(taken, views))

    async def transaction(self, txid: TransactionId, wait: Wait = 0.0) -> Response:
        """A transaction and where it stands.

        With `wait` the answer comes when it is in a block, or after that many seconds.
        """
        identity = parse_hash(txid, "transaction")
        if wait > 0 and not self._served.ledger.is_included(identity):
            await self._wait(identity, wait)
        return json_response(self._look_up(identity))

    async def _wait(self, txid: Hash, wait_s: float) -> None:
        if self._waiters >= WAITERS_MAX:
            raise Problem(429, "too-many-waiting", f"{WAITERS_MAX} requests wait; ask again later")
        self._waiters += 1
        try:
            await self._served.node.wait_included(txid, wait_s)
        finally:
            self._waiters -= 1

    def _look_up(self, txid: Hash) -> TransactionView:
        ledger = self._served.ledger
        place = ledger.transaction(txid)
        tx = ledger.mempool.get(txid) if place is None else ledger.included(place)
        if tx is None:
            raise Problem(
                404,
                "unknown-transaction",
                f"{txid.hex()} is in no block of the head's chain and does not wait here; "
                "it may have expired, or was never sent to this network",
            )
        return self._served.present.transaction(tx, place)


def submit_view(result: SubmitResult) -> SubmitView:
    """A verdict as the API shows it."""
    identity = None if result.id is None else result.id.hex()
    return SubmitView(identity, _status(result), result.code, result.reason, *_told(result))


def _verdict(result: SubmitResult) -> list[cbor.Value]:
    return [result.id, _status(result), result.code, result.reason, *_told(result)]


def _told(result: SubmitResult) -> tuple[int, int, int]:
    return result.pushed, result.announced, result.queued


def _status(result: SubmitResult) -> str:
    if result.code in KNOWN:
        return "known"
    return "accepted" if result.accepted else REFUSED
