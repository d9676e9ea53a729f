"""What the groups of endpoints share: the node they show, how they answer and describe it."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter
from pydantic import TypeAdapter
from starlette.responses import Response

from chain.genesis import Genesis
from chain.ledger import Ledger
from p2p.api.json_codec import encode_json
from p2p.api.present import Presenter
from p2p.api.problems import MEDIA_TYPE
from p2p.api.views import ProblemView
from p2p.node import Node
from p2p.observer import Observer

STATUSES = {
    400: "What was sent cannot be read",
    404: "There is no such thing here",
    408: "It came too slowly",
    409: "Not now, or not by this node's policy",
    413: "More than one request may carry",
    415: "Another media type is needed",
    422: "Readable, but against a rule",
    429: "Too many at the same time",
    500: "The node's own fault",
}
PROBLEM_SCHEMA = TypeAdapter(ProblemView).json_schema()
"""Written out in each answer: FastAPI keeps a shared schema only for answers in plain JSON."""


class Served:
    """The node behind the API; nothing is served before it is bound."""

    node: Node
    ledger: Ledger
    genesis: Genesis
    present: Presenter

    def bind(self, node: Node) -> None:
        """The node that all requests from now on are about."""
        self.node = node
        self.ledger = node.ledger
        self.genesis = node.ledger.genesis
        self.present = Presenter(node.ledger)

    def observer(self) -> Observer:
        """The node's log and counters."""
        return self.node.observer


def json_response(view: object, status: int = 200) -> Response:
    """A view as the answer."""
    return Response(encode_json(view), status, media_type="application/json")


def add_get(
    router: APIRouter,
    path: str,
    handler: Callable[..., Awaitable[Response]],
    view: type[object],
    *problems: int,
) -> None:
    """Route GET `path`; the handler's docstring and the view's fields describe it.

    The handler writes its answer itself, so that nothing is validated a second time.
    """
    summary = (handler.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    router.add_api_route(
        path,
        handler,
        methods=["GET"],
        response_model=view,
        summary=summary,
        responses=described(*problems),
    )


def described(*problems: int) -> dict[int | str, dict[str, Any]]:
    """The problem documents an endpoint can answer with, for OpenAPI."""
    return {
        status: {
            "description": STATUSES[status],
            "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
        }
        for status in (*problems, 500)
    }
