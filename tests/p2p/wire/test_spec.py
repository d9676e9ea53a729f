"""The published specification says what the code does: limits, kinds, lanes, vectors."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from chain.primitives.hashing import Hash
from p2p.net.outbox import LANES
from p2p.net.secure import RECORD_BYTES
from p2p.net.transport import LINK_MESSAGE_BYTES_MAX
from p2p.wire import codec, messages
from p2p.wire.codec import FRAME_BYTES_MAX, decode_frame
from p2p.wire.messages import Message
from p2p.wire.records import parse_record
from tests.p2p.wire.messages import examples
from tests.p2p.wire.vectors import vectors

SPEC = Path(__file__).parents[3] / "docs" / "spec"
PAGE = (SPEC / "peer-protocol.md").read_text()
CDDL = (SPEC / "peer-protocol.cddl").read_text()
VECTORS = json.loads((SPEC / "peer-protocol-vectors.json").read_text())


def rows(*columns: str) -> Iterator[list[str]]:
    """The cells of every table row that has these patterns in its first columns."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= len(columns):
            matches = (re.fullmatch(p, cell) for p, cell in zip(columns, cells, strict=False))
            if all(matches):
                yield cells


def test_the_limits_are_those_of_the_code() -> None:
    limits = {cells[0].strip("`"): int(cells[1]) for cells in rows(r"`[A-Z_]+_MAX`", r"\d+")}
    constants = {**vars(codec), **vars(messages)}
    assert limits == {name: constants[name] for name in limits}
    mentioned = {
        name
        for name in constants
        if name.endswith("_MAX") and name not in limits and isinstance(constants[name], int)
    }
    assert mentioned <= {"HEADER_BYTES_MAX", "SEAL_BYTES_MAX", "TRANSACTION_BYTES_MAX"}
    for name in ("FRAME_BYTES_MAX", "FRAME_MESSAGES_MAX", "HEADERS_MAX", "BLOCK_WIRE_BYTES_MAX"):
        assert str(limits[name]) in CDDL


def test_the_kinds_are_those_of_the_code() -> None:
    kinds = {int(cells[0]): cells[1] for cells in rows(r"\d+", r"[a-z-]+", r".*", r".*")}
    names = {
        message.KIND: re.sub(r"(?<!^)(?=[A-Z])", "-", message.__name__).lower()
        for message in get_args(Message)
    }
    assert kinds == names
    for kind, name in names.items():
        assert re.search(rf"^{name} = \[\s*{kind}\b", CDDL, re.MULTILINE), name


def test_the_lanes_are_those_of_the_code() -> None:
    units = {"KiB": 1024, "MiB": 1024 * 1024}
    lanes = {cells[0]: cells for cells in rows(r"[a-z]+", r".*", r"\d+", r"\d+ [KM]iB", r".*")}
    assert list(lanes) == [lane.name.lower() for lane in LANES]
    for lane, rules in LANES.items():
        _, names, weight, size, _ = lanes[lane.name.lower()]
        number, unit = size.split()
        assert (int(weight), int(number) * units[unit]) == (rules.weight, rules.bytes_max)
        for message in get_args(Message):
            name = re.sub(r"(?<!^)(?=[A-Z])", "-", message.__name__).lower()
            assert (name in names.split(", ")) == (message.LANE is lane)


def test_a_full_frame_fits_a_message_of_the_link() -> None:
    records = FRAME_BYTES_MAX // RECORD_BYTES + 1
    assert FRAME_BYTES_MAX + 4 + 16 * records <= LINK_MESSAGE_BYTES_MAX
    assert f"{LINK_MESSAGE_BYTES_MAX:,}" in PAGE


async def test_the_vectors_are_what_the_code_does() -> None:
    assert await vectors() == VECTORS


def test_the_vectors_of_messages_decode() -> None:
    for vector, message in zip(VECTORS["messages"], examples(), strict=True):
        assert decode_frame(bytes.fromhex(vector["cbor"])) == [message]


def test_the_vector_of_a_record_parses() -> None:
    vector = VECTORS["record"]
    record = parse_record(bytes.fromhex(vector["signed"]), Hash(bytes.fromhex(vector["chain"])))
    assert record.peer.hex() == vector["node"]
    assert list(record.addresses) == vector["addresses"]
