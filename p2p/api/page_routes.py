"""Pages for people, each one file that loads nothing from anywhere else; and the metrics."""

import base64
import hashlib
import re
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from p2p.api.metrics import Metrics
from p2p.api.routing import Served

SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class PageRoutes:
    """`/` shows the node, `/docs` its API, `/metrics` its figures."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._explorer = Page("explorer.html")
        self._docs = Page("docs.html")
        router = self.router = APIRouter(include_in_schema=False)
        for path, handler in (
            ("/", self.explorer),
            ("/docs", self.docs),
            ("/metrics", self.metrics),
        ):
            router.add_api_route(path, handler, response_class=Response)

    async def explorer(self) -> Response:
        """The node at a glance."""
        return self._explorer.response()

    async def docs(self) -> Response:
        """The API, read from /openapi.json by the page itself."""
        return self._docs.response()

    async def metrics(self) -> Response:
        """Figures for prometheus."""
        return Response(Metrics(self._served.node).exposition(), media_type=METRICS_TYPE)


class LightPages:
    """`/` and `/docs` of a light node: its API is all there is to show."""

    def __init__(self) -> None:
        self._docs = Page("docs.html")
        router = self.router = APIRouter(include_in_schema=False)
        for path in ("/", "/docs"):
            router.add_api_route(path, self.docs, response_class=Response)

    async def docs(self) -> Response:
        """The API, read from /openapi.json by the page itself."""
        return self._docs.response()


class Page:
    """A page of this package; the browser is told to run its own script and nothing else.

    *Why:* pages show texts that strangers chose (agents, titles); should one ever get through as
    markup, it cannot run.
    """

    def __init__(self, name: str) -> None:
        self._text = Path(__file__).with_name(name).read_text("utf-8")
        hashes = " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
            for script in SCRIPT.findall(self._text)
        )
        self._headers = {
            "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
            f"img-src data:; connect-src 'self'; form-action 'none'; script-src {hashes}",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }

    def response(self) -> Response:
        """The page."""
        return Response(self._text, headers=self._headers, media_type="text/html; charset=utf-8")
