"""Receipts: files that prove what is final to whoever has the genesis; what light clients need.

What is not final yet is answered 409 `not-final`, with the heights to compare: ask again later.
"""

from typing import Annotated

import trio
from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from chain.lightclient import TrustedCheckpoint
from chain.primitives.errors import Declined
from chain.receipts.making import ReceiptMaker
from chain.state.paths import parse_path
from p2p.api.limits import HANDOVERS_PAGE, PATH_TEXT_MAX, UNDO_STEPS_MAX
from p2p.api.problems import Problem
from p2p.api.receipt_views import HandoversView, handover_view
from p2p.api.requests import CBOR, parse_hash
from p2p.api.routing import Served, add_get, described, json_response

TransactionId = Annotated[str, Path(max_length=PATH_TEXT_MAX, description="Transaction id, hex")]
StatePath = Annotated[
    str, Path(max_length=PATH_TEXT_MAX, description="For example bal/CNY/<did> or ds/<hex>")
]
After = Annotated[int, Query(ge=0, le=2**63 - 1, description="Number of the set to start from")]


class ReceiptRoutes:
    """Endpoints about what is final."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._maker: ReceiptMaker | None = None
        router = self.router = APIRouter(prefix="/v1", tags=["receipts"])
        self._add_file("/transactions/{txid}/receipt", self.transaction, 400, 404, 409, 422)
        self._add_file("/receipts/{path:path}", self.state, 400, 409, 422)
        self._add_file("/checkpoint", self.checkpoint, 409, 422)
        add_get(router, "/handovers", self.handovers, HandoversView, 409, 422)

    def _add_file(self, path: str, handler: object, *problems: int) -> None:
        """Route GET `path`, answered with a file in CBOR."""
        assert callable(handler)
        summary = (handler.__doc__ or "").strip().partition("\n")[0].rstrip(".")
        self.router.add_api_route(
            path,
            handler,
            methods=["GET"],
            summary=summary,
            response_class=Response,
            responses={200: {"content": {CBOR: {}}}, **described(*problems)},
        )

    async def transaction(self, txid: TransactionId) -> Response:
        """The receipt of a transaction whose block is final.

        Verify it with `cornerstone receipt verify` and the genesis alone.
        """
        location = self._served.ledger.transaction(parse_hash(txid, "transaction"))
        if location is None:
            raise Problem(
                404,
                "unknown-transaction",
                f"{txid} is in no block of the head's chain; wait until it is included",
            )
        return _file(self._makes().transaction(location).encode())

    async def state(self, path: StatePath) -> Response:
        """The receipt of a state value, or of its absence, after the newest final block."""
        key = parse_path(path, self._served.genesis.network)
        maker = self._makes()
        for _ in range(UNDO_STEPS_MAX):
            if maker.undo_block():
                return _file(maker.state(key).encode())
            await trio.lowlevel.checkpoint()
        raise Declined(
            "state-too-old",
            f"the head moved on while {UNDO_STEPS_MAX} blocks above the newest final one were put "
            "back; wait until more is final and ask again",
        )

    async def checkpoint(self) -> Response:
        """The newest final header and its authorities, for a light client to start from.

        Whoever starts from it takes this node's word; compare it with another node's.
        """
        header = self._makes().newest().header
        authorities = self._served.ledger.finality.sets.numbered(header.set_id)
        return _file(TrustedCheckpoint(header, authorities).encode())

    async def handovers(self, after: After = 0) -> Response:
        """How the authority sets behind number `after` took over from each other, in order."""
        ledger = self._served.ledger
        last = ledger.finality.standing(ledger.head.id).set_id
        if after > last:
            raise Declined("unknown-set", f"in force is authority set {last}, asked after {after}")
        found = ledger.handovers.between(after, min(last, after + HANDOVERS_PAGE))
        return json_response(HandoversView(last, tuple(map(handover_view, found))))

    def _makes(self) -> ReceiptMaker:
        if self._maker is None or self._maker.ledger is not self._served.ledger:
            self._maker = ReceiptMaker(self._served.ledger)
        return self._maker


def _file(raw: bytes) -> Response:
    return Response(raw, media_type=CBOR)
