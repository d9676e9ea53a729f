"""Hypothesis strategies: scenarios that make sense, with every kind of fault and trigger."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from chain.primitives.errors import Refusal
from testnet.faults.kinds import KINDS, Kind
from testnet.faults.parameters import Parameter, parameters_of, required
from testnet.scenario.casting import CITIES, HOSTILE
from testnet.scenario.model import (
    AfterFault,
    AtHeight,
    AtTime,
    Expectation,
    Fault,
    Load,
    Mode,
    NetPlan,
    NodeOverride,
    Scenario,
    Trigger,
)
from testnet.senders import LoadKind
from testnet.spec import Consensus, Durability, Wiring

DURATION_MS = 120_000
NODES = 6

selectors = st.sampled_from(
    ("n1", "n2..n4", "n1,n3", "all", "producer:*", "producer:2", "rand:2", "minority,n1", "leader")
)
bandwidths = st.integers(100, 100_000_000_000)


RAW_VALUES: tuple[object, ...] = (
    *("1ms", "50ms", "100ms", "250ms", "1s", "1001ms", "90s", "1h", "0s", "-5s", "-24h"),
    *("100bit/s", "64kbit/s", "1500bit/s", "10Mbit/s", "1Gbit/s"),
    *(0.1 + 0.2, 0.25, 1e-07, 1.0, 20.5, 9_999.75),
    *(0, 1, 3, 7, 14, -12, 200, 1_000, -500_000),
    *("n1", "uniform", "pareto", "isolate", "wiped", "reads", "in", "oversized", "truncate"),
    *("expired-transaction", "block-sent", "short"),
    *([], ["ping"], ["blocks", "announce-block", "compact-block"]),
)
"""Values as a TOML file has them; each parameter takes some of them."""


def readable(parameter: Parameter, raw: object) -> bool:
    """Whether a parameter takes a raw value; where it is a selector, one that means somebody."""
    if parameter.form == "text in quotes":
        return raw == "n1"
    try:
        parameter.read(raw)
    except Refusal:
        return False
    return True


def arguments_of(kind: type) -> st.SearchStrategy[dict[str, object]]:
    """What a kind can be made with: its required parameters, and maybe others."""
    needed, optional = dict[str, Any](), dict[str, Any]()
    for field, parameter in parameters_of(kind).values():
        raws = [raw for raw in RAW_VALUES if readable(parameter, raw)]
        into = needed if required(field) else optional
        into[field.name] = st.sampled_from([parameter.read(raw) for raw in raws])
    return st.fixed_dictionaries(needed, optional=optional)


def made_from(build: Callable[..., Kind]) -> Callable[[dict[str, object]], Kind]:
    """Calls a kind with drawn parameters."""
    return lambda values: build(**values)


KIND_STRATEGIES = [arguments_of(kind).map(made_from(kind)) for kind in KINDS.values()]


def kinds() -> st.SearchStrategy[Kind]:
    """Any kind of fault, with any of its parameters."""
    return st.sampled_from(KIND_STRATEGIES).flatmap(lambda strategy: strategy)


@st.composite
def triggers(draw: st.DrawFn, before: tuple[Fault, ...] = ()) -> Trigger:
    """A trigger that comes; `before` are the faults it can wait for."""
    lasting = [fault.id for fault in before if fault.for_ms]
    options: list[st.SearchStrategy[Trigger]] = [
        st.builds(AtTime, st.integers(0, 20_000)),
        st.builds(AtHeight, st.integers(0, 20)),
    ]
    if lasting:
        options.append(
            st.builds(AfterFault, st.sampled_from(lasting), st.integers(0, 1_000)),
        )
    return draw(st.one_of(options))


@st.composite
def faults(draw: st.DrawFn) -> tuple[Fault, ...]:
    """Some faults, later ones maybe waiting for earlier ones."""
    made = tuple[Fault, ...]()
    for number in range(1, draw(st.integers(0, 4)) + 1):
        own = draw(st.sampled_from((f"f{number}", f"own-{number}")))
        kind = draw(kinds())
        hostile = isinstance(kind, HOSTILE)  # somebody must stay honest
        fault = Fault(
            id=own,
            at=draw(triggers(made)),
            for_ms=draw(st.sampled_from((0, 1, 2_500, 10_000))),
            kind=kind,
            on="n1" if hostile else draw(selectors),
            to=draw(st.sampled_from(("all", "n5..n6", "minority"))),
        )
        made = (*made, fault)
    return made


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """A scenario that parse_scenario takes."""
    chosen = draw(faults())
    return Scenario(
        name=draw(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)),
        about=draw(st.text(st.characters(codec="utf-8"), max_size=40)),
        duration_ms=DURATION_MS,
        seed=draw(st.integers(0, 2**63 - 1)),
        net=draw(nets()),
        overrides=tuple(draw(st.lists(overrides(), max_size=2))),
        loads=tuple(draw(st.lists(loads(chosen), max_size=2))),
        faults=chosen,
        expectations=tuple(draw(st.lists(expectations(chosen), max_size=3))),
        swarm=draw(st.booleans()),
    )


def nets() -> st.SearchStrategy[NetPlan]:
    return st.builds(
        NetPlan,
        nodes=st.integers(NODES, 12),
        authorities=st.sampled_from((0, 2, NODES)),
        consensus=st.sampled_from(Consensus),
        block_ms=st.sampled_from((200, 1_000, 1_500)),
        wiring=st.sampled_from(Wiring),
        durability=st.sampled_from(Durability),
        latency=st.sampled_from(("none", "lan", "brics", "20ms", "1.5s")),
        cities=st.lists(st.sampled_from(CITIES), max_size=3).map(tuple),
        uplink_bps=st.one_of(st.just(0), bandwidths),
    )


def overrides() -> st.SearchStrategy[NodeOverride]:
    return st.builds(
        NodeOverride,
        select=st.sampled_from(("n1", "n2..n3", "rand:2", "producer:1")),
        city=st.sampled_from(("", *CITIES)),
        uplink_bps=st.one_of(st.none(), st.just(0), bandwidths),
    )


def loads(chosen: tuple[Fault, ...]) -> st.SearchStrategy[Load]:
    return st.builds(
        Load,
        at=triggers(chosen),
        for_ms=st.sampled_from((1, 30_000, DURATION_MS)),
        rate=st.one_of(st.integers(1, 50_000).map(float), st.floats(0.01, 50_000)),
        kind=st.sampled_from((LoadKind.TRANSFER, LoadKind.MIXED)),
        on=selectors,
    )


@st.composite
def expectations(draw: st.DrawFn, chosen: tuple[Fault, ...]) -> Expectation:
    mode = draw(st.sampled_from(Mode))
    if mode is Mode.ALWAYS:
        own = draw(st.sampled_from(((), (("depth", "3"),))))
        return Expectation(mode, "common-prefix", on=draw(selectors), parameters=own)
    if mode is Mode.SOMETIMES:
        return Expectation(mode, "reorg")
    at = draw(st.one_of(st.none(), triggers(chosen)))
    own = draw(st.sampled_from(((), (("lag", "2"), ("share", "0.5")), (("share", "0.01"),))))
    within_ms = draw(st.sampled_from((1, 30_000)))
    return Expectation(mode, "core-converged", at, within_ms, parameters=own)
