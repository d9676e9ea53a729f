"""Reading what a client sends: bodies within bounds, identifiers and transactions out of text."""

import base64
import binascii
import re
from http import HTTPStatus

import trio
from starlette.requests import ClientDisconnect, Request

from chain.primitives import cbor
from chain.primitives.errors import Malformed
from chain.primitives.hashing import HASH_BYTES, Hash
from chain.transactions.envelope import TRANSACTION_BYTES_MAX
from p2p.api.json_codec import Json, WrongJson, decode_any
from p2p.api.limits import (
    BATCH_BYTES_MAX,
    BATCH_COMMAS_MAX,
    BATCH_TRANSACTIONS_MAX,
    BODY_TIMEOUT_S,
    PATH_TEXT_MAX,
    TRANSACTION_TEXT_MAX,
)
from p2p.api.problems import Problem

HEX = re.compile(r"[0-9a-fA-F]*")
SEQUENCE_LIMITS = cbor.Limits(size=BATCH_BYTES_MAX, depth=1, items=BATCH_TRANSACTIONS_MAX)
JSON = "application/json"
CBOR = "application/cbor"
CBOR_SEQUENCE = "application/cbor-seq"


async def read_body(request: Request, maximum: int) -> bytes:
    """The body, at most `maximum` bytes, within BODY_TIMEOUT_S. Raises Problem."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > maximum:
        raise _too_large(f"{int(declared)} bytes", maximum)
    parts: list[bytes] = []
    size = 0
    with trio.move_on_after(BODY_TIMEOUT_S):
        try:
            async for part in request.stream():
                size += len(part)
                if size > maximum:
                    raise _too_large("more", maximum)
                parts.append(part)
        except ClientDisconnect:
            raise Problem(HTTPStatus.BAD_REQUEST, "body-cut", "the body ended early") from None
        return b"".join(parts)
    raise Problem(
        HTTPStatus.REQUEST_TIMEOUT, "body-slow", f"{size} bytes arrived in {BODY_TIMEOUT_S:g} s"
    )


def media_type(request: Request) -> str:
    """The type of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def wants_cbor(request: Request) -> bool:
    """Whether the client prefers CBOR answers."""
    return CBOR in request.headers.get("accept", "")


def read_sequence(body: bytes) -> list[bytes]:
    """The transactions of a CBOR sequence of byte strings. Raises Malformed or Problem."""
    try:
        values = cbor.decode_sequence(body, SEQUENCE_LIMITS)
    except Malformed as error:
        if error.code == "cbor-too-many":
            raise _too_many() from None
        raise
    raws = [value for value in values if type(value) is bytes]
    if len(raws) != len(values):
        at = next(at for at, value in enumerate(values) if type(value) is not bytes)
        raise Malformed(
            "shape", f"item {at} of the sequence: expected a byte string that holds a transaction"
        )
    return raws


def read_json(body: bytes) -> tuple[list[bytes], bool]:
    """Transactions of a JSON body, and whether it was a list: {"raw": text} or a list of such.

    A text is hexadecimal or base64url. Raises Malformed or Problem.
    """
    if body.count(b",") > BATCH_COMMAS_MAX:
        raise _too_many()
    try:
        value = decode_any(body)
    except WrongJson as error:
        raise Malformed("json", str(error)) from None
    if not isinstance(value, list):
        return [_raw_of(value, "the body")], False
    if len(value) > BATCH_TRANSACTIONS_MAX:
        raise _too_many()
    return [_raw_of(item, f"item {at}") for at, item in enumerate(value)], True


def _raw_of(value: Json, where: str) -> bytes:
    text = value.get("raw") if isinstance(value, dict) else value
    if not isinstance(text, str):
        raise Malformed("json", f'{where}: expected {{"raw": "<hexadecimal or base64url>"}}')
    if len(text) > TRANSACTION_TEXT_MAX:
        raise Malformed(
            "transaction-size",
            f"{where}: {len(text)} characters; a transaction has at most "
            f"{TRANSACTION_BYTES_MAX} bytes",
        )
    if HEX.fullmatch(text) and len(text) % 2 == 0:
        return bytes.fromhex(text)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("json", f"{where}: raw is neither hexadecimal nor base64url") from None


def parse_hash(text: str, what: str) -> Hash:
    """A 32-byte id in hexadecimal. Raises Malformed."""
    if len(text) == 2 * HASH_BYTES and HEX.fullmatch(text):
        return Hash(bytes.fromhex(text))
    raise Malformed("id", f"{what} {text[:PATH_TEXT_MAX]!r}: expected {2 * HASH_BYTES} hex digits")


def _too_large(found: str, maximum: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body-too-large",
        f"{found}, at most {maximum} bytes are taken in one request",
    )


def _too_many() -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "batch-too-large",
        f"more than {BATCH_TRANSACTIONS_MAX} transactions; send them in several requests",
    )
