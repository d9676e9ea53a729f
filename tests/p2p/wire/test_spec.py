"""The published specification says what the code does: limits, kinds, lanes, vectors."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import cbor2
import pycddl
import pytest

from chain.primitives import cbor
from chain.primitives.errors import Malformed
from chain.primitives.hashing import Hash
from chain.primitives.printable import is_printable
from p2p.net import connection, liveness, outbox, websocket
from p2p.net.noise import MESSAGE_BYTES_MAX
from p2p.net.outbox import HIGH_WATER_BYTES, LANES, SHARE_BYTES, WAITING_BYTES_MAX
from p2p.net.secure import IDENTITY_CONTEXT, PROOF_BYTES, RECORD_BYTES
from p2p.net.transport import LINK_MESSAGE_BYTES_MAX, STRANGER_BYTES_MAX
from p2p.wire import codec, messages
from p2p.wire.codec import FRAME_BYTES_MAX, decode_frame, encode_message
from p2p.wire.fields import SHORT_BYTES
from p2p.wire.messages import CAPABILITIES_MAX, CAPABILITY_MAX, PROTOCOL_VERSION, Message
from p2p.wire.records import ADDRESS_MAX, ADDRESSES_MAX, parse_record
from tests.cddl import Grammar
from tests.p2p.wire.messages import examples
from tests.p2p.wire.vectors import packed, refusal_of, unpacked, vectors


def kebab(name: str) -> str:
    """A class's name as the specification writes it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


SPEC = Path(__file__).parents[3] / "docs" / "spec"
PAGE = (SPEC / "peer-protocol.md").read_text()
CDDL = (SPEC / "peer-protocol.cddl").read_text()
GRAMMAR = Grammar(CDDL)
VECTORS: Any = unpacked(json.loads((SPEC / "peer-protocol-vectors.json").read_text()))
KINDS = {message.KIND: kebab(message.__name__) for message in get_args(Message)}


BEYOND_CDDL = re.compile(
    r"not a multiple of|\d after \d|prefilled at |prefilled for |bytes prefilled"
)
"""Reasons of refusals that a grammar cannot give."""


def rows(*columns: str) -> Iterator[list[str]]:
    """The cells of every table row that has these patterns in its first columns."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= len(columns):
            matches = (re.fullmatch(p, cell) for p, cell in zip(columns, cells, strict=False))
            if all(matches):
                yield cells


def test_what_is_printable_is_what_the_code_takes() -> None:
    printable = GRAMMAR.text("printable")
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert is_printable("".join(re.findall(printable, everything)))
    assert not any(map(is_printable, re.sub(printable, "", everything)))


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
    assert kinds == KINDS
    for kind, name in KINDS.items():
        assert re.search(rf"^{name} = \[\s*{kind}\b", CDDL, re.MULTILINE), name
    choice = re.search(r"^message = (.*?)\n\n", CDDL, re.MULTILINE | re.DOTALL)
    assert choice is not None
    assert re.split(r"[\s/]+", choice[1]) == list(KINDS.values())


def test_the_lanes_are_those_of_the_code() -> None:
    units = {"KiB": 1024, "MiB": 1024 * 1024}
    lanes = {cells[0]: cells for cells in rows(r"[a-z]+", r".*", r"\d+", r"\d+ [KM]iB", r".*")}
    assert list(lanes) == [lane.name.lower() for lane in LANES]
    for lane, rules in LANES.items():
        _, names, weight, size, _ = lanes[lane.name.lower()]
        number, unit = size.split()
        assert (int(weight), int(number) * units[unit]) == (rules.weight, rules.bytes_max)
        for message in get_args(Message):
            name = kebab(message.__name__)
            assert (name in names.split(", ")) == (message.LANE is lane)


def test_the_numbers_in_the_text_are_those_of_the_code() -> None:
    for said in (
        f"This is version {PROTOCOL_VERSION}.",
        f"and a burst of {websocket.EXTRA_FRAMES_BURST};",
        f"gives a stranger {websocket.HANDSHAKE_S:g} s for the websocket handshake",
        f"keeps {websocket.HANDSHAKES_MAX} of them open",
        f"is {PROOF_BYTES} bytes",
        f"the {len(IDENTITY_CONTEXT)} bytes `{IDENTITY_CONTEXT.decode()}`",
        f"at most {MESSAGE_BYTES_MAX:,} bytes ({RECORD_BYTES:,} of content)",
        f"{connection.HELLO_S:g} s without a hello end the link",
        f"{codec.FRAME_LIMITS.items:,} items in a message",
        f"and {cbor.SEQUENCE_TIMES * codec.FRAME_LIMITS.items:,} in a frame",
        f"of more than {outbox.FRAME_TARGET_BYTES // 1024} KiB, each lane",
        f"holds at most {outbox.LANE_MESSAGES_MAX:,} messages",
        f"more than {outbox.HIGH_WATER_BYTES >> 20} MiB wait for {outbox.SLOW_S:g} s",
        f"takes {connection.WRITE_MAX_S:g} s for a frame",
        f"Every {liveness.LOOK_S:g} s a node looks",
        f"pinged every {liveness.LOOK_S * liveness.REFRESH_LOOKS:g} s",
        f"a second after {connection.CONTROL_BURST:g} at once (`flood`)",
        f"sent, or {connection.GOODBYE_S:g} s |",
        f"the {SHORT_BYTES}-byte BLAKE2b hash",
        f"for each of {messages.BUCKETS} buckets",
        f"with an output of {messages.ID_BYTES} bytes",
        f"Addresses are at most {ADDRESS_MAX} characters",
    ):
        assert said in PAGE, said
    assert liveness.SILENT_LOOKS_MAX == 3
    assert "after three such looks in a row" in PAGE
    assert (websocket.EXTRA_FRAMES_RATE, connection.CONTROL_RATE) == (1, 1)


def test_a_full_frame_fits_a_message_of_the_link() -> None:
    records = FRAME_BYTES_MAX // RECORD_BYTES + 1
    assert FRAME_BYTES_MAX + 4 + 16 * records <= LINK_MESSAGE_BYTES_MAX
    assert f"{LINK_MESSAGE_BYTES_MAX:,}" in PAGE
    assert f"{STRANGER_BYTES_MAX:,} bytes in all" in PAGE


def test_the_bounds_of_all_that_waits_are_those_of_the_code() -> None:
    mib = 1024 * 1024
    assert f"more than {WAITING_BYTES_MAX // mib} MiB wait for all peers" in PAGE
    assert f"{SHARE_BYTES // mib} MiB takes the place of these {HIGH_WATER_BYTES // mib}" in PAGE


async def test_the_vectors_are_what_the_code_does() -> None:
    made = await vectors()
    assert unpacked(packed(made)) == made
    assert made == VECTORS, "`python -m tests.p2p.wire.vectors --write` writes them anew"


def test_every_kind_has_vectors_of_its_smallest_and_largest_message() -> None:
    assert {vector["kind"]: kebab(vector["name"]) for vector in VECTORS["messages"]} == KINDS
    for vector in VECTORS["messages"]:
        assert vector["minimal"], f"MINIMAL of extremes.py has no {vector['name']}"
        assert vector["maximal"], f"MAXIMAL of extremes.py has no {vector['name']}"


def test_the_vectors_of_messages_decode() -> None:
    for vector, message in zip(VECTORS["messages"], examples(), strict=True):
        assert decode_frame(bytes.fromhex(vector["cbor"])) == [message]
        for raw in [*vector["minimal"], *vector["maximal"]]:
            (decoded,) = decode_frame(bytes.fromhex(raw))
            assert type(decoded) is type(message)
            assert encode_message(decoded).hex() == raw


def test_what_is_rejected_is_rejected_for_its_reason() -> None:
    codes = {vector["code"] for vector in VECTORS["rejected"]}
    assert {"shape", "unknown-message", "frame-messages", "cbor-non-canonical"} <= codes
    for vector in VECTORS["rejected"]:
        with pytest.raises(Malformed) as refused:
            decode_frame(bytes.fromhex(vector["frame"]))
        assert refused.value.code == vector["code"]


def test_the_cddl_is_well_formed() -> None:
    pycddl.Schema(CDDL)


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda vector: vector["name"])
def test_the_cddl_admits_the_vectors(vector: Any) -> None:
    name = kebab(vector["name"])
    for raw in (vector["cbor"], *vector["minimal"], *vector["maximal"]):
        for rule in (name, "message"):
            assert GRAMMAR.admits(rule, bytes.fromhex(raw))
    fields = cbor.decode(bytes.fromhex(vector["minimal"][0]))
    assert isinstance(fields, list)
    for wrong in (fields[:-1], [*fields, 0], [255, *fields[1:]], [*fields[:-1], None]):
        assert not GRAMMAR.admits("message", cbor2.dumps(wrong))


def test_the_cddl_refuses_what_a_grammar_can() -> None:
    refused = 0
    for vector in VECTORS["rejected"]:
        frame = bytes.fromhex(vector["frame"])
        reason = refusal_of(frame).reason
        if vector["code"] in ("shape", "unknown-message") and not BEYOND_CDDL.search(reason):
            refused += 1
            assert not GRAMMAR.admits("message", frame), reason
    assert refused > 0.8 * len(VECTORS["rejected"])


def test_the_cddl_admits_the_record() -> None:
    raw = bytes.fromhex(VECTORS["record"]["signed"])
    assert GRAMMAR.admits("signed-record", raw)
    assert not GRAMMAR.admits("signed-record", raw[:-66] + bytes([0x58, 63]) + bytes(63))
    address, name = "ws://192.0.2.1:4001", "c" * CAPABILITY_MAX
    most = [1, [address] * ADDRESSES_MAX, 7, [name] * CAPABILITIES_MAX]
    assert GRAMMAR.admits("record-body", cbor2.dumps(most))
    for wrong in (
        [2, [address], 7, []],
        [1, [address] * (ADDRESSES_MAX + 1), 7, []],
        [1, ["ws://a b"], 7, []],
        [1, ["nowhere"], 7, []],
        [1, [address], -1, []],
        [1, [address], 7, [name] * (CAPABILITIES_MAX + 1)],
        [1, [address], 7, [f"{name}c"]],
        [1, [address], 7],
    ):
        assert not GRAMMAR.admits("record-body", cbor2.dumps(wrong)), wrong


def test_the_vector_of_a_record_parses() -> None:
    vector = VECTORS["record"]
    record = parse_record(bytes.fromhex(vector["signed"]), Hash(bytes.fromhex(vector["chain"])))
    assert record.peer.hex() == vector["node"]
    assert list(record.addresses) == vector["addresses"]
