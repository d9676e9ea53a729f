"""A client of a node's API: what the command line uses, and what programs can use.

Three things can happen to a request: an answer, ApiError (the node refused, with its reason), or
Unreachable (nobody answered, or with something that is no Cornerstone API).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx

from chain.finalproof import Handover
from chain.primitives import cbor
from chain.receipts.finality import HANDOVERS_MAX
from p2p.api.finality_views import FinalityView
from p2p.api.governance_views import (
    AuthoritiesView,
    ParametersView,
    ParameterView,
    ProposalsView,
    ProposalView,
)
from p2p.api.json_codec import WrongJson, decode_json
from p2p.api.limits import BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX
from p2p.api.receipt_views import HandoversView, read_handover
from p2p.api.views import (
    UNKNOWN_PATH,
    AccountHistoryView,
    AccountView,
    BlockSummary,
    BlocksView,
    BlockView,
    DatasetView,
    PeersView,
    PeerView,
    ProblemView,
    ProofView,
    StatusView,
    SubmitsView,
    SubmitView,
    TransactionView,
)

TIMEOUT_S = 15.0
"""A full batch is verified in under a second; a node that is silent this long is in trouble."""
CONNECT_TIMEOUT_S = 3.0
PROBE_TIMEOUT_S = 2.0
"""How long to try one of several nodes before the next: a paused process accepts, and is silent."""
WAIT_STEP_S = 25.0
"""One long poll; below the minute at which proxies cut silent requests."""

T = TypeVar("T")


class ApiError(Exception):
    """The node's answer is a problem document: HTTP status, code for programs, words for people."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


class Unreachable(Exception):
    """No answer from a node, or one that is not of this API. The world's fault."""


class Client:
    """One node's API. Use as a context manager, or `close` it."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        try:
            self._http = httpx.Client(
                base_url=self.url,
                timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s)),
                # A node is spoken to directly; a certificate store is read only when it is used.
                trust_env=False,
                verify=self.url.startswith("https:"),
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise Unreachable(f"{url!r} is no address of a node: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def status(self) -> StatusView:
        """Where the node stands."""
        return self._get(StatusView, "/v1/status")

    def finality(self) -> FinalityView:
        """What is final, who votes, why it is late."""
        return self._get(FinalityView, "/v1/finality")

    def peers(self) -> tuple[PeerView, ...]:
        """Its connected peers."""
        return self._get(PeersView, "/v1/peers").peers

    def genesis(self) -> bytes:
        """The compiled genesis; its sha256 is the chain's id."""
        return self._request("GET", "/v1/genesis").content

    def block(self, reference: int | str) -> BlockView:
        """A block by height on the node's chain, or by id."""
        return self._get(BlockView, f"/v1/blocks/{quote(str(reference), safe='')}")

    def blocks(self, limit: int = 20, before: int | None = None) -> tuple[BlockSummary, ...]:
        """Blocks of the node's chain, newest first, below height `before` when that is given."""
        query = f"?limit={limit}" + ("" if before is None else f"&before={before}")
        return self._get(BlocksView, f"/v1/blocks{query}").blocks

    def submit(self, raw: bytes) -> SubmitView:
        """Hand over one signed transaction. Raises ApiError when the node refuses it."""
        answer = self._request("POST", "/v1/transactions", raw, "application/cbor")
        return self._read(SubmitView, answer)

    def submit_many(self, raws: Sequence[bytes]) -> list[SubmitView]:
        """Hand over signed transactions in order; one verdict each, refusals included."""
        verdicts: list[SubmitView] = []
        for batch in batches(raws):
            body = b"".join(cbor.encode(raw) for raw in batch)
            answer = self._request("POST", "/v1/transactions", body, "application/cbor-seq")
            verdicts.extend(self._read(SubmitsView, answer).results)
        return verdicts

    def transaction(self, txid: str) -> TransactionView:
        """A transaction that is included or waits. ApiError 404 when the node knows none."""
        return self._get(TransactionView, f"/v1/transactions/{quote(txid, safe='')}")

    def wait(self, txid: str, timeout_s: float) -> TransactionView:
        """The transaction once it is in a block, or as it stands after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while True:
            left = deadline - time.monotonic()
            step = max(0.0, min(WAIT_STEP_S, left))
            path = f"/v1/transactions/{quote(txid, safe='')}?wait={step:.3f}"
            answer = self._request("GET", path, timeout_s=self._timeout_s + step)
            view = self._read(TransactionView, answer)
            if view.status == "included" or left <= WAIT_STEP_S:
                return view

    def account(self, reference: str) -> AccountView:
        """An account by DID, or by its name in the genesis."""
        return self._get(AccountView, f"/v1/accounts/{quote(reference, safe='')}")

    def account_transactions(
        self, reference: str, limit: int = 50, before: str | None = None
    ) -> AccountHistoryView:
        """Transactions that concern an account, newest first; `before` is a page's `next`."""
        query = f"?limit={limit}" + ("" if before is None else f"&before={quote(before)}")
        path = f"/v1/accounts/{quote(reference, safe='')}/transactions{query}"
        return self._get(AccountHistoryView, path)

    def dataset(self, dataset: str) -> DatasetView:
        """A published dataset by its id."""
        return self._get(DatasetView, f"/v1/datasets/{quote(dataset, safe='')}")

    def proposals(self) -> tuple[ProposalView, ...]:
        """What may be voted on."""
        return self._get(ProposalsView, "/v1/governance/proposals").proposals

    def proposal(self, identifier: str) -> ProposalView:
        """A proposal by its id, open or decided."""
        return self._get(ProposalView, f"/v1/governance/proposals/{quote(identifier, safe='')}")

    def authorities(self) -> AuthoritiesView:
        """Who has a seat, and who will."""
        return self._get(AuthoritiesView, "/v1/governance/authorities")

    def parameters(self) -> tuple[ParameterView, ...]:
        """The numbers that votes may change."""
        return self._get(ParametersView, "/v1/governance/parameters").parameters

    def proof(self, path: str) -> ProofView:
        """A state value or its absence with its proof; check it with p2p.api.verification."""
        return self._get(ProofView, f"/v1/proofs/{quote(path, safe='/:')}")

    def receipt(self, txid: str) -> bytes:
        """The receipt of a transaction. ApiError 409 `not-final` while its block is not final."""
        return self._request("GET", f"/v1/transactions/{quote(txid, safe='')}/receipt").content

    def state_receipt(self, path: str) -> bytes:
        """The receipt of a state value or its absence, after the newest final block."""
        return self._request("GET", f"/v1/receipts/{quote(path, safe='/:')}").content

    def checkpoint(self) -> bytes:
        """The newest final header and its authorities, on the node's word."""
        return self._request("GET", "/v1/checkpoint").content

    def handovers(self, after: int, last: int) -> list[Handover]:
        """How the authority sets behind number `after` took over, up to `last`, on its word."""
        count = max(0, last - after)
        if count > HANDOVERS_MAX:
            raise Unreachable(
                f"{self.url} speaks of {count} changes of the authorities; at most {HANDOVERS_MAX} "
                "are followed"
            )
        found: list[Handover] = []
        while len(found) < count:
            page = self._get(HandoversView, f"/v1/handovers?after={after + len(found)}").handovers
            if not page:
                raise Unreachable(f"{self.url} shows {len(found)} handovers, set {last} needs more")
            found += map(read_handover, page)
        return found[:count]

    def _get(self, kind: type[T], path: str) -> T:
        return self._read(kind, self._request("GET", path))

    def _read(self, kind: type[T], answer: httpx.Response) -> T:
        try:
            return decode_json(kind, answer.content)
        except WrongJson as error:
            why = f"{self.url} does not answer as a Cornerstone node: {error}"
            if _is_light(answer.content):
                why = f"{self.url} is a light node, which keeps no chain; ask a full node"
            raise Unreachable(why) from None

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        media_type: str = "",
        timeout_s: float | None = None,
    ) -> httpx.Response:
        try:
            answer = self._http.request(
                method,
                path,
                content=body,
                headers={"content-type": media_type} if media_type else None,
                timeout=self._timeout_s if timeout_s is None else timeout_s,
            )
        except httpx.TimeoutException as error:
            raise Unreachable(
                f"no answer from {self.url} within {self._timeout_s:g} s; is the node running?"
            ) from error
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Unreachable(
                f"cannot reach a node at {self.url} ({error}); is it running, and is this its API?"
            ) from error
        if answer.status_code >= 400:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: httpx.Response) -> ApiError | Unreachable:
        try:
            problem = decode_json(ProblemView, answer.content)
        except WrongJson:
            return Unreachable(
                f"{self.url} answered {answer.status_code} without a problem document; "
                "is it a Cornerstone node's API?"
            )
        if problem.code == UNKNOWN_PATH:
            return Unreachable(
                f"{self.url}: {problem.detail}; it is a light node, which keeps no chain, or of "
                "another version: ask a full node"
            )
        return ApiError(problem.status, problem.code, problem.detail)


def batches(raws: Sequence[bytes]) -> list[list[bytes]]:
    """Cut a list so that each part is within what one request may carry."""
    parts: list[list[bytes]] = [[]]
    size = 0
    for raw in raws:
        weight = len(raw) + 5  # the head of a byte string
        if size + weight > BATCH_BYTES_MAX or len(parts[-1]) == BATCH_TRANSACTIONS_MAX:
            parts.append([])
            size = 0
        parts[-1].append(raw)
        size += weight
    return [part for part in parts if part]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a light node's status says of itself."""

    light: bool


def _is_light(answer: bytes) -> bool:
    try:
        return decode_json(_Kind, answer).light
    except WrongJson:
        return False


def connect(urls: Sequence[str]) -> Client:
    """A client of the first node that answers. Raises Unreachable when none does."""
    if len(urls) == 1:
        return Client(urls[0])
    failures: list[str] = []
    for url in urls:
        try:
            with Client(url, PROBE_TIMEOUT_S) as probe:
                probe.status()
            return Client(url)
        except (Unreachable, ApiError) as error:
            failures.append(str(error))
    raise Unreachable(f"none of {len(urls)} nodes answers; the first: {failures[0]}")
