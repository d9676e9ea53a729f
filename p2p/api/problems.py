"""Every error the API answers is an RFC 9457 problem document; this module makes all of them.

`code` is for programs, `detail` compares the values and says what to do. `type` is about:blank,
so `title` is the phrase of the HTTP status.
"""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chain.primitives.errors import Declined, Invalid, Malformed, Refusal, StoreFailure
from p2p.api.json_codec import encode_json
from p2p.api.views import UNKNOWN_PATH, ProblemView
from p2p.observer import Observer

MEDIA_TYPE = "application/problem+json"
INTERNAL = "the node met an error of its own; its log says which"
FAULTS_SHOWN_MAX = 5
"""A request with more wrong fields than this is told about the first ones."""


class Problem(Exception):
    """An answer that is an error. `status` is HTTP's."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(status, code, detail)
        self.status = status
        self.code = code
        self.detail = detail


def problem_response(
    status: int, code: str, detail: str, headers: dict[str, str] | None = None
) -> Response:
    """The document as a response."""
    view = ProblemView("about:blank", HTTPStatus(status).phrase, status, detail, code)
    return Response(encode_json(view), status, headers, media_type=MEDIA_TYPE)


def status_of(refusal: Refusal) -> int:
    """The HTTP status that says what kind of refusal it is."""
    match refusal:
        case Malformed():
            return HTTPStatus.BAD_REQUEST
        case Invalid():
            return HTTPStatus.UNPROCESSABLE_ENTITY
        case Declined():
            return HTTPStatus.CONFLICT
    return HTTPStatus.BAD_REQUEST


def install_problems(app: FastAPI) -> None:
    """Give the app a handler for each kind of error that a request can meet."""

    @app.exception_handler(Problem)
    async def on_problem(request: Request, error: Problem) -> Response:
        return problem_response(error.status, error.code, error.detail)

    @app.exception_handler(Refusal)
    async def on_refusal(request: Request, error: Refusal) -> Response:
        return problem_response(status_of(error), error.code, error.reason)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        code, detail = _routing(error.status_code, request, str(error.detail))
        return problem_response(error.status_code, code, detail, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def on_validation(request: Request, error: RequestValidationError) -> Response:
        faults = [
            f"{'.'.join(str(part) for part in fault['loc'][1:])}: {fault['msg']}"
            for fault in error.errors()[:FAULTS_SHOWN_MAX]
        ]
        return problem_response(422, "bad-parameter", "; ".join(faults))


def _routing(status: int, request: Request, detail: str) -> tuple[str, str]:
    if status == HTTPStatus.NOT_FOUND:
        return UNKNOWN_PATH, f"there is no {request.url.path[:200]!r} here; /docs lists what is"
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return "method", f"{request.method} is not for {request.url.path[:200]!r}; see /docs"
    return "http", detail


class Boundary:
    """The outermost layer: what no handler expected becomes a log line and a plain 500.

    One client's request must not end the node, and its answer must not tell what is inside.
    """

    def __init__(self, app: ASGIApp, observer: Callable[[], Observer]) -> None:
        self._app = app
        self._observer = observer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:  # noqa: BLE001 - the boundary; it logs
            self._log(scope, error)
            if scope["type"] == "http" and not started:
                await problem_response(500, "internal", INTERNAL)(scope, receive, send)

    def _log(self, scope: Scope, error: Exception) -> None:
        code = "store" if isinstance(error, StoreFailure) else "internal"
        observer = self._observer()
        observer.count("api_error", code)
        observer.log("error", "api-error", path=scope.get("path", ""), error=repr(error))
