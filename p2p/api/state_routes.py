"""The state at the head: accounts, datasets, and proofs of any key or its absence."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from chain.state.paths import parse_path
from chain.tables import HEIGHT_MAX, INDEX_MAX
from p2p.api.limits import HISTORY_PAGE, HISTORY_PAGE_MAX, PATH_TEXT_MAX
from p2p.api.problems import Problem
from p2p.api.requests import parse_hash
from p2p.api.routing import Served, add_get, json_response
from p2p.api.views import (
    AccountEntry,
    AccountHistoryView,
    AccountView,
    DatasetView,
    ProofView,
)

Reference = Annotated[
    str, Path(max_length=PATH_TEXT_MAX, description="DID, or a name in the genesis")
]
DatasetId = Annotated[str, Path(max_length=PATH_TEXT_MAX, description="Dataset id, hex")]
StatePath = Annotated[
    str, Path(max_length=PATH_TEXT_MAX, description="For example bal/CNY/<did> or ds/<hex>")
]
Limit = Annotated[int, Query(ge=1, le=HISTORY_PAGE_MAX, description="How many at most")]
Before = Annotated[
    str | None, Query(max_length=PATH_TEXT_MAX, description="`next` of the page before")
]


class StateRoutes:
    """Endpoints about the state."""

    def __init__(self, served: Served) -> None:
        self._served = served
        router = self.router = APIRouter(prefix="/v1", tags=["state"])
        add_get(router, "/accounts/{reference}", self.account, AccountView, 400, 404, 422)
        add_get(
            router,
            "/accounts/{reference}/transactions",
            self.history,
            AccountHistoryView,
            400,
            404,
            422,
        )
        add_get(router, "/datasets/{dataset}", self.dataset, DatasetView, 400, 404, 422)
        add_get(router, "/proofs/{path:path}", self.proof, ProofView, 400, 422)

    async def account(self, reference: Reference) -> Response:
        """An identity: balances, next sequence numbers, keys."""
        identity = self._served.present.identity(reference)
        account = self._served.ledger.account(identity)
        return json_response(self._served.present.account(identity, account))

    async def history(
        self, reference: Reference, limit: Limit = HISTORY_PAGE, before: Before = None
    ) -> Response:
        """Transactions that concern an identity, newest first."""
        identity = self._served.present.identity(reference)
        place = None if before is None else _parse_place(before)
        entries = self._served.ledger.account_transactions(identity, place, limit=limit + 1)
        shown = tuple(
            AccountEntry(entry.txid.hex(), entry.height, entry.index) for entry in entries[:limit]
        )
        more = len(entries) > limit
        last = shown[-1] if more else None
        following = None if last is None else f"{last.height}.{last.index}"
        return json_response(AccountHistoryView(shown, following))

    async def dataset(self, dataset: DatasetId) -> Response:
        """A published dataset."""
        identity = parse_hash(dataset, "dataset")
        record = self._served.ledger.dataset(identity)
        if record is None:
            raise Problem(404, "unknown-dataset", f"no dataset {dataset} is published")
        return json_response(self._served.present.dataset(identity, record))

    async def proof(self, path: StatePath) -> Response:
        """The value of a state key, or its absence, with the proof.

        Check it with the header's state root: ICS-23's sparse Merkle tree, see docs/spec.
        """
        key = parse_path(path, self._served.genesis.network)
        return json_response(self._served.present.proof(key))


def _parse_place(text: str) -> tuple[int, int]:
    height, _, index = text.partition(".")
    if height.isdecimal() and index.isdecimal() and len(text) < 32 and text.isascii():
        place = int(height), int(index)
        if place[0] <= HEIGHT_MAX and place[1] <= INDEX_MAX:
            return place
    raise Problem(422, "bad-parameter", f"before {text[:80]!r}: expected HEIGHT.INDEX")
