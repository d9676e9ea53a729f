"""The HTTP API as one application: groups of endpoints under /v1, pages, and problem documents."""

from fastapi import FastAPI

from p2p.api.chain_routes import ChainRoutes
from p2p.api.event_routes import EventRoutes
from p2p.api.governance_routes import GovernanceRoutes
from p2p.api.page_routes import PageRoutes
from p2p.api.problems import Boundary, install_problems
from p2p.api.receipt_routes import ReceiptRoutes
from p2p.api.routing import Served
from p2p.api.state_routes import StateRoutes
from p2p.api.transaction_routes import TransactionRoutes
from p2p.node import Node

DESCRIPTION = (
    "A node's view of its chain. Hashes, ids and keys are hexadecimal, identities are DIDs, "
    "amounts are integers in minor units. Every error is a problem document (RFC 9457) with a "
    "`code` for programs. Events come from the websocket /v1/events?only=block-connected,..."
)


class Application:
    """The endpoints, and the node behind them once it is there.

    *Why the node comes later:* describing the endpoints costs 30 ms and two megabytes. A fork
    server builds them once, and every node it forks has them for nothing.
    """

    def __init__(self) -> None:
        self._served = Served()
        self._app = build_app(self._served)

    def serve(self, node: Node) -> FastAPI:
        """The application, from now on of that node."""
        self._served.bind(node)
        return self._app


def create_app(node: Node) -> FastAPI:
    """The application for one running node."""
    return Application().serve(node)


def build_app(served: Served) -> FastAPI:
    """All endpoints. Other origins are not allowed in: CORS stays closed."""
    app = FastAPI(
        title="Cornerstone node API",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(ChainRoutes(served).router)
    app.include_router(TransactionRoutes(served).router)
    app.include_router(StateRoutes(served).router)
    app.include_router(GovernanceRoutes(served).router)
    app.include_router(ReceiptRoutes(served).router)
    app.include_router(EventRoutes(served).router)
    app.include_router(PageRoutes(served).router)
    install_problems(app)
    app.add_middleware(Boundary, observer=served.observer)
    return app
