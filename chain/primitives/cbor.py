"""Deterministic CBOR (RFC 8949 section 4.2.1), decoded strictly: one value has one encoding.

Rules, each with its reason:
- What decodes is encoded again and must give the same bytes. *Why:* it refuses every non-minimal
  integer, indefinite length and unordered map at once, whatever the decoder lets through.
- No floats, tags, undefined or simple values but true, false and null. *Why:* nothing in the
  ledger needs them, and each is a way for two programs to disagree.
- A tag is refused before what it stands on is read. *Why:* the decoder gives many of them a meaning
  of its own: it compiles regular expressions, parses mail, and puts in again what was said before,
  so that a few megabytes cost minutes, or all memory there is.
- Map keys are unsigned integers or text under 24 bytes. *Why:* for these the order by length first
  (RFC 7049) and the order by bytes (RFC 8949) are the same, so no two libraries differ.
- Size, depth and count of items are bounded. *Why:* the sender of the bytes chooses all three.
- Items are counted by their heads before they are decoded, where there may be too many. *Why:* ten
  million small ones take the decoder seconds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TypeAlias

import cbor2

from chain.primitives.errors import Malformed

Value: TypeAlias = "int | bytes | str | bool | list[Value] | dict[int | str, Value] | None"

KEY_TEXT_BYTES_MAX = 23
KEY_SHOWN_MAX = 80  # characters of one that is refused
UINT64_MAX = 2**64 - 1
UINT_BYTES_MAX = 9
# First byte of an unsigned integer: how many bytes it takes, and the least value that needs them.
_UINT_BYTES = {
    **dict.fromkeys(range(24), (1, 0)),
    24: (2, 24),
    25: (3, 1 << 8),
    26: (5, 1 << 16),
    27: (9, 1 << 32),
}
# A head's first byte: three bits of kind, five of size, or of how many bytes the size takes.
_HEAD_SHORT = 23
_HEAD_LONGEST = 27
_STRINGS = (2, 3)
SEQUENCE_TIMES = 4  # a sequence has so many times the items of one value, in all its values
# A guard against a cycle in a value of our own, not against a stranger.
OWN_DEPTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Limits:
    """What a decoder accepts at most: bytes, nesting of containers, items in all containers.

    Bytes are those of a value or of a sequence, the other two are each value's.
    """

    size: int
    depth: int
    items: int


# Objects of the ledger: a transaction is the largest of them that is decoded whole.
DEFAULT_LIMITS = Limits(size=1 << 20, depth=12, items=1 << 16)


def encode(value: Value) -> bytes:
    """The one encoding of `value`. Raises Malformed for what the profile does not carry."""
    if type(value) is not int or not 0 <= value <= UINT64_MAX:
        _count(value, OWN_DEPTH_MAX)
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Value:
    """The value of `data`, which must be its one encoding. Raises Malformed with the reason."""
    if 0 < len(data) <= UINT_BYTES_MAX and data[0] in _UINT_BYTES:
        return _uint(data)
    _check_size(data, limits)
    _check_heads(data, limits.items)
    value: Value
    with _translated(limits):
        value = cbor2.loads(
            data, max_depth=limits.depth + 1, allow_indefinite=False, semantic_decoders=NO_TAGS
        )
    _check(value, data, limits)
    return value


def _uint(data: bytes) -> int:
    """An unsigned integer alone, as most values of the state are: a tenth of the general way."""
    size, least = _UINT_BYTES[data[0]]
    if len(data) < size:
        raise Malformed("cbor-truncated", f"{len(data)} bytes of an integer's {size}")
    value = int.from_bytes(data[1:size], "big") if size > 1 else data[0]
    if value < least:
        raise Malformed("cbor-non-canonical", f"the integer {value} takes fewer than {size} bytes")
    if len(data) > size:
        extra = len(data) - size
        raise Malformed("cbor-trailing", f"{extra} bytes follow the value of {size} bytes")
    return value


def decode_sequence(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Value]:
    """The values of a CBOR sequence (RFC 8742), each strictly encoded. Raises Malformed."""
    _check_size(data, limits)
    _check_heads(data, SEQUENCE_TIMES * limits.items)
    stream = BytesIO(data)
    decoder = cbor2.CBORDecoder(
        stream, max_depth=limits.depth + 1, allow_indefinite=False, semantic_decoders=NO_TAGS
    )
    values: list[Value] = []
    position = 0
    while position < len(data):
        if len(values) == limits.items:
            raise Malformed("cbor-too-many", f"more than {limits.items} values in a sequence")
        with _translated(limits):
            values.append(decoder.decode())
        end = stream.tell()
        _check(values[-1], data[position:end], limits)
        position = end
    return values


def _check_size(data: bytes, limits: Limits) -> None:
    if len(data) > limits.size:
        raise Malformed("cbor-too-large", f"{len(data)} bytes, at most {limits.size} are read")


def _check_heads(data: bytes, most: int) -> None:
    """Refuse more than `most` items by their heads alone; no item is shorter than its head.

    Bytes that end too soon, or have a head of no meaning here, are left to the decoder.
    """
    end = len(data)
    if end <= most:
        return
    position = items = 0
    while position < end:
        items += 1
        if items > most:
            raise Malformed("cbor-too-many", f"more than {most} items")
        kind, size = data[position] >> 5, data[position] & 31
        position += 1
        if size > _HEAD_SHORT:
            if size > _HEAD_LONGEST:
                return
            width = 1 << (size - _HEAD_SHORT - 1)
            size = int.from_bytes(data[position : position + width], "big")
            position += width
        if kind in _STRINGS:
            position += size


class _NoTags(Mapping[int, Callable[[object, bool], object]]):
    """Where the decoder looks up what a tag means, before it reads on."""

    def __getitem__(self, tag: int) -> Callable[[object, bool], object]:
        raise Malformed("cbor-forbidden-type", f"tag {tag} is not carried")

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


NO_TAGS = _NoTags()


class _translated:  # noqa: N801 - reads as a word of the language at its three uses
    """The decoder's exceptions as Malformed. A class: contextlib's generator costs 1 us more."""

    __slots__ = ("limits",)

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> None:
        match error:
            case None:
                return
            case cbor2.CBORDecodeError(__cause__=Malformed() as refused):
                raise refused from None
            case cbor2.CBORDecodeEOF():
                raise Malformed(
                    "cbor-truncated", f"the bytes end inside a value: {error}"
                ) from None
            case cbor2.CBORDecodeError() if "depth" in str(error):
                reason = f"arrays and maps nested deeper than {self.limits.depth}"
                raise Malformed("cbor-too-deep", reason) from None
            case cbor2.CBORDecodeError():
                raise Malformed("cbor-non-canonical", f"not strict CBOR: {error}") from None
            case ValueError() | TypeError() | OverflowError() | RecursionError() | MemoryError():
                raise Malformed("cbor-forbidden-type", f"not of this profile: {error}") from None


def _check(value: Value, data: bytes, limits: Limits) -> None:
    if _count(value, limits.depth) > limits.items:
        raise Malformed("cbor-too-many", f"more than {limits.items} items")
    again = cbor2.dumps(value, canonical=True)
    if again == data:
        return
    if data.startswith(again):
        extra = len(data) - len(again)
        raise Malformed("cbor-trailing", f"{extra} bytes follow the value of {len(again)} bytes")
    if b"\xa0" <= data[:1] <= b"\xbf" and len(again) < len(data):
        raise Malformed(
            "cbor-duplicate-key",
            f"{len(data)} bytes encode what takes {len(again)}: a repeated map key or a longer "
            "form than needed",
        )
    raise Malformed(
        "cbor-non-canonical",
        f"{len(data)} bytes encode what deterministic CBOR writes otherwise, in {len(again)}",
    )


def _count(value: Value, depth: int) -> int:
    """Items in `value`, refusing what the profile does not carry and more than `depth` levels."""
    if type(value) is list:
        if depth == 0:
            raise Malformed("cbor-too-deep", "arrays and maps nested deeper than the limit")
        items = 1
        for item in value:
            kind = type(item)
            if kind is bytes or kind is str:  # noqa: SIM114 - the common cases, one test each
                items += 1
            elif kind is int and 0 <= item <= UINT64_MAX:  # type: ignore[operator]
                items += 1
            else:
                items += _count(item, depth - 1)
        return items
    return _count_other(value, depth)


def _count_other(value: Value, depth: int) -> int:
    kind = type(value)
    if kind is bytes or kind is str or kind is bool or value is None:
        return 1
    if isinstance(value, int):
        if not -UINT64_MAX - 1 <= value <= UINT64_MAX:
            raise Malformed("cbor-forbidden-type", f"integer {value:#x} is beyond 64 bits")
        return 1
    if isinstance(value, dict):
        if depth == 0:
            raise Malformed("cbor-too-deep", "arrays and maps nested deeper than the limit")
        for key in value:
            _check_key(key)
        return 1 + sum(1 + _count(item, depth - 1) for item in value.values())
    raise Malformed(
        "cbor-forbidden-type",
        f"{kind.__name__} is not carried: only integers, bytes, text, booleans, null, arrays, maps",
    )


def _check_key(key: object) -> None:
    if type(key) is int and 0 <= key <= UINT64_MAX:
        return
    if type(key) is str and len(key.encode()) <= KEY_TEXT_BYTES_MAX:
        return
    raise Malformed(
        "cbor-forbidden-type",
        f"map key {repr(key)[:KEY_SHOWN_MAX]}: keys are unsigned integers or text under "
        f"{KEY_TEXT_BYTES_MAX + 1} bytes",
    )
