"""The API of a light node: where it stands, its genesis, and a checkpoint to start others from."""

from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.responses import Response

from p2p.api.page_routes import LightPages
from p2p.api.problems import Boundary, Problem, install_problems
from p2p.api.requests import CBOR
from p2p.api.routing import add_get, described, json_response
from p2p.light_node import LightNode
from p2p.observer import Observer


@dataclass(frozen=True, slots=True)
class LightStatusView:
    """Where a light node stands; `finalized` is null before its first final header.

    `set_id` is the authority set it follows, of `authorities` members; bytes are those on its links
    since it started. `alarm` says which two final headers contradict each other; it is empty while
    none do. `stranded` says, in a peer's word, that the network was recovered by hand and only a
    checkpoint leads on; it is empty otherwise.
    """

    network: str
    genesis_hash: str
    light: bool
    slot: int
    finalized_height: int
    finalized: str | None
    finalized_slot: int
    set_id: int
    authorities: int
    peers: int
    bytes_in: int
    bytes_out: int
    alarm: str
    stranded: str


class LightRoutes:
    """Its endpoints."""

    def __init__(self, node: LightNode) -> None:
        self._node = node
        router = self.router = APIRouter(prefix="/v1", tags=["light"])
        add_get(router, "/status", self.status, LightStatusView)
        for path, handler in (("/genesis", self.genesis), ("/checkpoint", self.checkpoint)):
            router.add_api_route(
                path,
                handler,
                methods=["GET"],
                response_class=Response,
                responses={200: {"content": {CBOR: {}}}, **described(409)},
            )

    async def status(self) -> Response:
        """Where the node stands."""
        return json_response(light_status_view(self._node))

    async def genesis(self) -> Response:
        """The network's founding document, in CBOR."""
        return Response(self._node.genesis.encode(), media_type=CBOR)

    async def checkpoint(self) -> Response:
        """The newest final header and its authorities, verified by this node."""
        checkpoint = self._node.client.checkpoint()
        if checkpoint is None:
            raise Problem(409, "not-final", "no final header of the set in force is known yet")
        return Response(checkpoint.encode(), media_type=CBOR)


def light_status_view(node: LightNode) -> LightStatusView:
    """A light node's status as its API shows it."""
    status, genesis = node.status(), node.genesis
    header = status.header
    return LightStatusView(
        network=genesis.network,
        genesis_hash=genesis.hash.hex(),
        light=True,
        slot=status.slot,
        finalized_height=0 if header is None else header.height,
        finalized=None if header is None else header.id.hex(),
        finalized_slot=0 if header is None else header.slot,
        set_id=status.set_id,
        authorities=status.members,
        peers=status.peers,
        bytes_in=status.bytes_in,
        bytes_out=status.bytes_out,
        alarm=status.alarm,
        stranded=status.stranded,
    )


def light_app(node: LightNode, observer: Observer) -> FastAPI:
    """The application of a light node."""
    app = FastAPI(
        title="Cornerstone light node API",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(LightRoutes(node).router)
    app.include_router(LightPages().router)
    install_problems(app)
    app.add_middleware(Boundary, observer=lambda: observer)
    return app
