"""What no handler expected: a plain 500 for the client, the truth for the log."""

import io
import json

import httpx
from fastapi import FastAPI

from chain.primitives.errors import Declined, Invalid, Malformed, Refusal, StoreFailure
from p2p.api.problems import Boundary, install_problems
from p2p.observer import Observer
from tests.p2p.api.serving import problem

ERRORS: dict[str, Exception] = {
    "bug": KeyError("secret detail"),
    "store": StoreFailure("disk /dev/sda is full"),
    "malformed": Malformed("shape", "expected 32 bytes, got 31"),
    "invalid": Invalid("rule", "5 is more than 4"),
    "declined": Declined("full", "no room"),
    "refusal": Refusal("other", "no"),
}


def app_that_fails(log: io.StringIO) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)
    install_problems(app)
    app.add_middleware(Boundary, observer=lambda: Observer("n0", "info", log))

    @app.get("/{name}")
    async def fail(name: str) -> None:
        raise ERRORS[name]

    return app


async def ask(name: str, log: io.StringIO) -> httpx.Response:
    transport = httpx.ASGITransport(app_that_fails(log))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        return await client.get(f"/{name}")


async def test_a_fault_of_ours_says_nothing_to_strangers_and_all_to_the_log() -> None:
    for name in ("bug", "store"):
        log = io.StringIO()
        answer = await ask(name, log)
        assert answer.status_code == 500
        assert problem(answer)["code"] == "internal"
        assert "secret" not in answer.text
        assert "sda" not in answer.text
        line = json.loads(log.getvalue())
        assert line["event"] == "api-error"
        assert line["path"] == f"/{name}"
        assert str(ERRORS[name].args[0]) in line["error"]


async def test_each_kind_of_refusal_has_its_status() -> None:
    log = io.StringIO()
    expected = {"malformed": 400, "invalid": 422, "declined": 409, "refusal": 400}
    for name, status in expected.items():
        answer = await ask(name, log)
        assert answer.status_code == status
        error = ERRORS[name]
        assert isinstance(error, Refusal)
        document = problem(answer)
        assert (document["code"], document["detail"]) == (error.code, error.reason)
    assert log.getvalue() == ""
