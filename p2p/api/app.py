"""The HTTP API as one application: groups of endpoints under /v1, pages, and problem documents."""

from fastapi import FastAPI

from p2p.api.chain_routes import ChainRoutes
from p2p.api.event_routes import EventRoutes
from p2p.api.page_routes import PageRoutes
from p2p.api.problems import Boundary, install_problems
from p2p.api.routing import Served
from p2p.api.state_routes import StateRoutes
from p2p.api.transaction_routes import TransactionRoutes
from p2p.node import Node

DESCRIPTION = (
    "A node's view of its chain. Hashes, ids and keys are hexadecimal, identities are DIDs, "
    "amounts are integers in minor units. Every error is a problem document (RFC 9457) with a "
    "`code` for programs. Events come from the websocket /v1/events?only=block-connected,..."
)


def create_app(node: Node) -> FastAPI:
    """The application for one running node. Other origins are not allowed in: CORS stays closed."""
    app = FastAPI(
        title="Cornerstone node API",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    served = Served(node)
    app.include_router(ChainRoutes(served).router)
    app.include_router(TransactionRoutes(served).router)
    app.include_router(StateRoutes(served).router)
    app.include_router(EventRoutes(served).router)
    app.include_router(PageRoutes(node).router)
    install_problems(app)
    app.add_middleware(Boundary, observer=node.observer)
    return app
