"""Mutations that know what they mutate: bytes anywhere, or one item inside a CBOR value."""

import io
import random
from collections.abc import Callable

import cbor2

Mutate = Callable[[bytes, random.Random], bytes]

INTERESTING = (0, 1, 23, 24, 255, 256, 65_535, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -1)
OTHERS: tuple[object, ...] = (None, True, False, 1.5, b"", b"\0" * 32, "", "a\x1b", [], {}, [[]])
TAGS = (0, 1, 2, 4, 5, 18, 25, 28, 29, 30, 35, 36, 37, 256, 258, 43_000, 55_799, 2**32)
UNREADABLE = (cbor2.CBORError, ValueError, TypeError, OverflowError)
GROWN_MAX = 65_536
DEPTH_MAX = 40


def of_bytes(data: bytes, rng: random.Random) -> bytes:
    """Bits flipped; bytes overwritten, inserted, taken out, repeated; the end cut off."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(changed) + 1)
        match rng.randrange(6):
            case 0 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(changed):
                changed[at] = rng.choice((0, 1, 0x18, 0x1B, 0x40, 0x5F, 0x80, 0x9F, 0xA0, 0xFF))
            case 2:
                changed[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9)))
            case 3:
                del changed[at : at + rng.randrange(1, 9)]
            case 4 if len(changed) < GROWN_MAX:
                changed[at:at] = changed[at : at + rng.randrange(1, 65)] * rng.randrange(1, 5)
            case _:
                del changed[at:]
    return bytes(changed)


def of_cbor(data: bytes, rng: random.Random) -> bytes:
    """One item of the value changed, its encoding kept right; or, now and then, the bytes."""
    if rng.random() < 0.3:
        return of_bytes(data, rng)
    try:
        return cbor2.dumps(_changed(cbor2.loads(data), rng, 0))
    except UNREADABLE:
        return of_bytes(data, rng)


def of_sequence(data: bytes, rng: random.Random) -> bytes:
    """A CBOR sequence: one of its items changed, doubled, or left out."""
    if rng.random() < 0.3:
        return of_bytes(data, rng)
    return b"".join(_item(item, rng) for item in _items(data))


def of_toml(data: bytes, rng: random.Random) -> bytes:
    """A line left out, doubled or moved; a value in place of another; or characters."""
    lines = data.decode(errors="replace").splitlines()
    at, other = rng.randrange(len(lines) or 1), rng.randrange(len(lines) or 1)
    if not lines:
        return of_bytes(data, rng)
    match rng.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3 if "=" in lines[at] and "=" in lines[other]:
            key = lines[at].partition("=")[0]
            lines[at] = f"{key}={lines[other].partition('=')[2]}"
        case 4 if "=" in lines[at]:
            odd = ("-1", "0", "9" * 20, "1e9", '""', '"\\u0000"', "[]", "{}", "true", "2026-01-01")
            lines[at] = f"{lines[at].partition('=')[0]}= {rng.choice(odd)}"
        case _:
            return of_bytes(data, rng)
    return "\n".join(lines).encode()


def _changed(value: object, rng: random.Random, depth: int) -> object:
    """The value with one change somewhere inside."""
    match value:
        case list() | tuple() if value and depth < DEPTH_MAX and rng.random() < 0.85:
            return _in_list(list(value), rng, depth)
        case dict() if value and depth < DEPTH_MAX and rng.random() < 0.85:
            key = rng.choice(list(value))
            return {**value, key: _changed(value[key], rng, depth + 1)}
        case cbor2.CBORTag() if rng.random() < 0.9:
            return cbor2.CBORTag(value.tag, _changed(value.value, rng, depth + 1))
        case bytes() if value and rng.random() < 0.6:
            return of_cbor(value, rng) if rng.random() < 0.5 else of_bytes(value, rng)
        case str() if value and rng.random() < 0.6:
            return of_bytes(value.encode(), rng).decode(errors="ignore")
        case int() if rng.random() < 0.6:
            return rng.choice((value + 1, value - 1, -value, rng.choice(INTERESTING)))
    tagged = cbor2.CBORTag(rng.choice(TAGS), value)
    return rng.choice((*OTHERS, rng.choice(INTERESTING), [value], [value] * 3, tagged))


def _in_list(items: list[object], rng: random.Random, depth: int) -> list[object]:
    at = rng.randrange(len(items))
    match rng.randrange(10):
        case 0:
            del items[at]
        case 1:
            items.insert(at, items[at])
        case 2:
            other = rng.randrange(len(items))
            items[at], items[other] = items[other], items[at]
        case _:
            items[at] = _changed(items[at], rng, depth + 1)
    return items


def _items(data: bytes) -> list[bytes]:
    """The single items of a sequence, as far as it is one."""
    found: list[bytes] = []
    stream = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(stream)
    start = 0
    while start < len(data):
        try:
            decoder.decode()
        except UNREADABLE:
            return [*found, data[start:]]
        found.append(data[start : stream.tell()])
        start = stream.tell()
    return found


def _item(item: bytes, rng: random.Random) -> bytes:
    match rng.randrange(6):
        case 0:
            return b""
        case 1:
            return item + item
        case 2 | 3:
            return of_cbor(item, rng)
    return item
