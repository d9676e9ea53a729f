"""Who takes part: the names of the nodes, which of them make blocks, which city each is in."""

import random
from dataclasses import replace
from typing import get_args

from testnet.faults.byzantine import ByzantineKind
from testnet.faults.kinds import Kind
from testnet.faults.partition import Partition
from testnet.faults.people import SharedKey
from testnet.scenario.model import Fault, NetPlan, NodeOverride, Scenario
from testnet.scenario.selectors import Cast, Nodes, needs_run, resolve
from testnet.scenario.streams import stream
from testnet.spec import AUTHORITIES_DEFAULT_MAX, Consensus

BRICS = "brics"
PROFILES = ("none", "lan", BRICS)
CITIES = (
    *("Zhangjiakou", "Shanghai", "Shenzhen", "Hangzhou", "Hong Kong", "Taipei"),
    *("Pune", "New Delhi", "Bangalore", "Sao Paulo", "Brasilia", "Johannesburg", "Cape Town"),
    *("Moscow", "St Petersburg", "Novosibirsk", "Vladivostok", "Dubai", "Cairo", "Riyadh"),
    *("Jakarta", "Singapore", "Tokyo", "London", "Frankfurt", "New York"),
    *("San Francisco", "Sydney"),
)
HOSTILE = (*get_args(ByzantineKind), SharedKey)
"""Kinds whose nodes break the protocol; that an operator did not mean it makes no difference."""


def names_of(net: NetPlan) -> Nodes:
    """n1, n2, ..."""
    return tuple(f"n{number}" for number in range(1, net.nodes + 1))


def authors_of(net: NetPlan) -> Nodes:
    """The nodes that make blocks: the first `authorities`, or under work everyone."""
    names = names_of(net)
    if net.consensus is Consensus.WORK:
        return names
    return names[: net.authorities or min(net.nodes, AUTHORITIES_DEFAULT_MAX)]


def settled(net: NetPlan) -> Cast:
    """The nodes with the cities dealt to them in turn, before any override."""
    names = names_of(net)
    dealt = net.cities or (CITIES if net.latency == BRICS else ("",))
    cities = tuple((name, dealt[place % len(dealt)]) for place, name in enumerate(names))
    return Cast(names, authors_of(net), cities)


def chosen(override: NodeOverride, place: int, cast: Cast, seed: int) -> Nodes:
    """The nodes of the override that stands at that place. Raises Unfit when it selects nobody."""
    return resolve(override.select, cast, stream(seed, "override", str(place)))


def moved(override: NodeOverride, place: int, cast: Cast, seed: int) -> Cast:
    """The cast after an override; later ones see the cities that earlier ones gave."""
    nodes = frozenset(chosen(override, place, cast, seed))
    if not override.city:
        return cast
    cities = tuple((n, override.city if n in nodes else city) for n, city in cast.cities)
    return replace(cast, cities=cities)


def placed(scenario: Scenario, seed: int) -> Cast:
    """The nodes in their cities, nobody hostile yet. Raises Unfit like `chosen`."""
    cast = settled(scenario.net)
    for place, override in enumerate(scenario.overrides):
        cast = moved(override, place, cast, seed)
    return cast


def uplinks_of(scenario: Scenario, seed: int) -> tuple[tuple[str, int], ...]:
    """Each node with its uplink in bits a second, 0 for unlimited."""
    cast = settled(scenario.net)
    uplinks = dict.fromkeys(cast.names, scenario.net.uplink_bps)
    for place, override in enumerate(scenario.overrides):
        if override.uplink_bps is not None:
            uplinks |= dict.fromkeys(chosen(override, place, cast, seed), override.uplink_bps)
        cast = moved(override, place, cast, seed)
    return tuple(uplinks.items())


def cast_of(scenario: Scenario, seed: int) -> Cast:
    """Everyone, as selectors see them before anything runs. Raises Unfit like `chosen`."""
    cast = placed(scenario, seed)
    return with_hostile(cast, [turned(fault, cast, seed) for fault in scenario.faults])


def with_hostile(cast: Cast, groups: list[Nodes]) -> Cast:
    """The cast in which these groups are hostile."""
    hostile = frozenset(name for group in groups for name in group)
    return replace(cast, hostile=tuple(name for name in cast.names if name in hostile))


def usual_to(kind: Kind) -> str:
    """The other side where a scenario names none: of a cut everyone else, of other faults all."""
    return "others" if isinstance(kind, Partition) else "all"


def sides(fault: Fault, cast: Cast, seed: int) -> tuple[Nodes, Nodes]:
    """Whom a fault hits, and the other side. Raises Unfit when either is nobody.

    With `cast.leader` empty, raises Unfit also for a fault whose nodes only a run can tell.
    """
    on = resolve(fault.on, cast, nodes_stream(seed, fault.id))
    to = resolve(fault.to, replace(cast, beside=on), nodes_stream(seed, fault.id))
    return on, to


def turned(fault: Fault, cast: Cast, seed: int) -> Nodes:
    """The nodes a fault makes hostile; those that only a run can tell are not among them."""
    if not isinstance(fault.kind, HOSTILE) or needs_run(fault.on):
        return ()
    return resolve(fault.on, cast, nodes_stream(seed, fault.id))


def nodes_stream(seed: int, fault: str) -> random.Random:
    """The chance by which a fault's `on` and `to` are drawn.

    One stream, begun anew for each of them, so that `minority` and `majority` complete each other.
    """
    return stream(seed, "nodes", fault)
