"""A scenario as people write it: TOML, read into values.

Rules:
- What is not understood is refused, with its line, its section and the nearest word that would be.
  *Why:* a misspelt fault that is silently left out passes every test.
- What can be known to be impossible before anything runs is refused here: nodes that are not
  there, triggers that never come, windows that close after the end.
Format: docs/laboratory/scenarios.md. The way back is testnet/scenario/text.py.
"""

import difflib
from collections.abc import Callable

from chain.toml import Section, Source, nearest
from testnet.directory import NAME
from testnet.faults.kinds import KINDS, Kind
from testnet.scenario.casting import CITIES, PROFILES, usual_to
from testnet.scenario.coherence import refuse_incoherent
from testnet.scenario.expected import read_expectation
from testnet.scenario.model import (
    DURATION_MAX_MS,
    FORMAT,
    ITEMS_MAX,
    AtTime,
    Fault,
    Load,
    NetPlan,
    NodeOverride,
    Scenario,
    Trigger,
)
from testnet.scenario.readers import arguments, bandwidth, milliseconds, whole, word
from testnet.scenario.triggers import ID, parse_trigger
from testnet.senders import LoadKind
from testnet.spec import (
    BLOCK_MS_MAX,
    BLOCK_MS_MIN,
    FULL_NODES_MAX,
    Consensus,
    Durability,
    Wiring,
    parse_rate,
)

NODES_MAX = 20_000
"""Twice what the engine tier aims at; the other tiers hold fewer and say so themselves."""

DURATION_MIN_MS = 1_000
LATENCY_MAX_MS = 10_000
"""As in testnet.latency: with twice that no hello is in time."""
ROOT_KEYS = (
    *("scenario", "name", "about", "duration", "seed", "swarm"),
    *("net", "node", "load", "fault", "expect"),
)
NET_KEYS = (
    *("nodes", "authorities", "consensus", "block-time", "topology", "durability"),
    *("latency", "cities", "uplink"),
)
NODE_KEYS = ("select", "city", "uplink")
LOAD_KEYS = ("at", "for", "rate", "kind", "on")
FAULT_KEYS = ("id", "at", "for", "do", "on", "to")
SEED_MAX = 2**63 - 1


def parse_scenario(text: str) -> Scenario:
    """Reads a scenario. Raises Malformed, Invalid or Unfit with line, section and remedy."""
    source = Source(text)
    root = Section(source, "top of the file", 0, source.parse("scenario-syntax"))
    root.only(ROOT_KEYS)
    version = root.take("scenario", int)
    if version != FORMAT:
        raise root.refused("scenario", f"format {version}, this software reads {FORMAT}")
    name = root.take("name", str)
    if not NAME.fullmatch(name):
        raise root.refused(
            "name", f"{name!r} is no name; write at most 32 of a-z, 0-9 and - within"
        )
    duration_ms = milliseconds(root, "duration", DURATION_MIN_MS, DURATION_MAX_MS)
    scenario = Scenario(
        name=name,
        about=root.take("about", str, ""),
        duration_ms=duration_ms,
        seed=whole(root, "seed", 0, SEED_MAX, 1),
        net=_net(root.section("net")),
        overrides=tuple(_override(section) for section in _items(root, "node")),
        loads=tuple(_load(section, duration_ms) for section in _items(root, "load")),
        faults=tuple(_fault(s, f"f{n}") for n, s in enumerate(_items(root, "fault"), 1)),
        expectations=tuple(read_expectation(section) for section in _items(root, "expect")),
        swarm=root.take("swarm", bool, False),
    )
    refuse_incoherent(root, scenario)
    return scenario


def _items(root: Section, name: str) -> tuple[Section, ...]:
    found = tuple(root.sections(name))
    if len(found) > ITEMS_MAX:
        raise root.refused(name, f"{len(found)} sections; there can be {ITEMS_MAX}")
    return found


def _net(section: Section) -> NetPlan:
    section.only(NET_KEYS)
    nodes = whole(section, "nodes", 1, NODES_MAX, NetPlan().nodes)
    authorities = whole(section, "authorities", 0, NODES_MAX, 0)
    if authorities > nodes:
        raise section.refused("authorities", f"{authorities} of {nodes} nodes; at most all of them")
    wiring = word(section, "topology", Wiring, Wiring.DISCOVER)
    if wiring is Wiring.FULL and nodes > FULL_NODES_MAX:
        raise section.refused(
            "topology", f"{nodes} nodes cannot all dial each other; at most {FULL_NODES_MAX} can"
        )
    return NetPlan(
        nodes=nodes,
        authorities=authorities,
        consensus=word(section, "consensus", Consensus, Consensus.AUTHORITY),
        block_ms=milliseconds(section, "block-time", BLOCK_MS_MIN, BLOCK_MS_MAX, 1_000),
        wiring=wiring,
        durability=word(section, "durability", Durability, Durability.PROCESS),
        latency=_latency(section),
        cities=tuple(_city(section, "cities", name) for name in section.texts("cities", ())),
        uplink_bps=bandwidth(section, "uplink") or 0,
    )


def _latency(section: Section) -> str:
    text = section.take("latency", str, NetPlan().latency)
    if text in PROFILES:
        return text
    if not text[:1].isdigit():
        raise section.refused(
            "latency",
            f"{text!r} is no profile and no delay such as 20ms; {nearest(text, PROFILES)}",
        )
    milliseconds(section, "latency", 0, LATENCY_MAX_MS)
    return text


def _city(section: Section, key: str, name: str) -> str:
    if name not in CITIES:
        raise section.refused(key, f"no city {name!r} is known; {nearest(name, CITIES)}")
    return name


def _override(section: Section) -> NodeOverride:
    section.only(NODE_KEYS)
    city = section.take("city", str, "")
    return NodeOverride(
        select=section.take("select", str),
        city=_city(section, "city", city) if city else "",
        uplink_bps=bandwidth(section, "uplink"),
    )


def _load(section: Section, duration_ms: int) -> Load:
    section.only(LOAD_KEYS)
    rate = section.take("rate", str)
    with section.at("rate"):
        per_s = parse_rate(rate)
    return Load(
        at=_trigger(section, AtTime(0)),
        for_ms=milliseconds(section, "for", 1, DURATION_MAX_MS, duration_ms),
        rate=per_s,
        kind=word(section, "kind", LoadKind, LoadKind.TRANSFER),
        on=section.take("on", str, "all"),
    )


def _fault(section: Section, name: str) -> Fault:
    kind = _kind(section)
    fault_id = section.take("id", str, name)
    if not ID.fullmatch(fault_id):
        raise section.refused(
            "id", f"{fault_id!r} is no id; write a letter, then at most 31 of a-z, 0-9 and -"
        )
    return Fault(
        id=fault_id,
        at=_trigger(section, None),
        for_ms=milliseconds(section, "for", 1, DURATION_MAX_MS, 0),
        kind=kind,
        on=section.take("on", str),
        to=section.take("to", str, usual_to(kind)),
    )


def _kind(section: Section) -> Kind:
    name = section.take("do", str)
    if name not in KINDS:
        raise section.refused("do", f"no fault is called {name!r}; {nearest_fault(name)}")
    build: Callable[..., Kind] = KINDS[name]
    return build(**arguments(section, KINDS[name], FAULT_KEYS))


def nearest_fault(name: str) -> str:
    """What to say about an unknown fault; `kill` alone is enough to find `process.kill`."""
    for known in KINDS:
        if known.partition(".")[2] == name:
            return f"did you mean {known!r}?"
    if difflib.get_close_matches(name, KINDS):
        return nearest(name, KINDS)
    return "`python -m testnet.faults` lists all there are"


def _trigger(section: Section, default: Trigger | None) -> Trigger:
    if "at" not in section.values and default is not None:
        return default
    text = section.take("at", str)
    with section.at("at"):
        return parse_trigger(text)
