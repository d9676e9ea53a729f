"""What a scenario's parts must be to each other: ids, triggers, selectors, windows.

Each refusal has the place of the part that is wrong.
"""

from dataclasses import replace

from chain.toml import Section
from testnet.checkers.reading import kind_of
from testnet.faults.byzantine import Eclipse
from testnet.scenario.casting import moved, nodes_stream, settled, turned, with_hostile
from testnet.scenario.expected import EXPECT_KEYS
from testnet.scenario.model import Expectation, Fault, Load, Scenario
from testnet.scenario.readers import arguments
from testnet.scenario.selectors import Cast, Nodes, resolve
from testnet.scenario.streams import stream
from testnet.scenario.timeline import ids_of, refuse_cut_window, refuse_never
from testnet.senders import SEATS_MIN, LoadKind
from testnet.spec import Consensus


def refuse_incoherent(root: Section, scenario: Scenario) -> None:
    """Raises Invalid or Unfit, with its place, for the first part that cannot be."""
    _refuse_repeated_ids(root, scenario)
    cast = _cast(root, scenario)
    for section, load in zip(root.sections("load"), scenario.loads, strict=True):
        _load(section, load, scenario, cast)
    for section, fault in zip(root.sections("fault"), scenario.faults, strict=True):
        _fault(section, fault, scenario, cast)
    for section, expectation in zip(root.sections("expect"), scenario.expectations, strict=True):
        _expectation(section, expectation, scenario, cast)


def _refuse_repeated_ids(root: Section, scenario: Scenario) -> None:
    ids = ids_of(scenario)
    for place, section in enumerate(root.sections("fault")):
        if ids[place] in ids[:place]:
            raise section.refused("id", f"{ids[place]!r} is taken; give each fault its own")


def _cast(root: Section, scenario: Scenario) -> Cast:
    """Everyone, and somebody as leader, since there will be one."""
    cast = settled(scenario.net)
    for place, section in enumerate(root.sections("node")):
        with section.at("select"):
            cast = moved(scenario.overrides[place], place, cast, scenario.seed)
    hostile = list[Nodes]()
    for section, fault in zip(root.sections("fault"), scenario.faults, strict=True):
        with section.at("on"):
            hostile.append(turned(fault, cast, scenario.seed))
    return replace(with_hostile(cast, hostile), leader=cast.names[0])


def _load(section: Section, load: Load, scenario: Scenario, cast: Cast) -> None:
    with section.at("at"):
        refuse_never(load.at, scenario)
    with section.at("on"):
        resolve(load.on, cast, stream(scenario.seed, "check", ""))
    seats = len(cast.authors) if scenario.net.consensus is Consensus.AUTHORITY else 0
    if load.kind is LoadKind.SEATS and seats < SEATS_MIN:
        why = f"{seats} have a seat, changes of the authorities need {SEATS_MIN}"
        raise section.refused("kind", why)


def _fault(section: Section, fault: Fault, scenario: Scenario, cast: Cast) -> None:
    with section.at("at"):
        refuse_never(fault.at, scenario, (fault.id,))
    with section.at("on"):
        on = resolve(fault.on, cast, nodes_stream(scenario.seed, fault.id))
    with section.at("to"):
        resolve(fault.to, replace(cast, beside=on), nodes_stream(scenario.seed, fault.id))
    if isinstance(fault.kind, Eclipse):
        with section.at("victim"):
            resolve(fault.kind.victim, cast, nodes_stream(scenario.seed, fault.id))


def _expectation(
    section: Section, expectation: Expectation, scenario: Scenario, cast: Cast
) -> None:
    with section.at(expectation.mode.value):
        kind = kind_of(expectation)
    arguments(section, kind, EXPECT_KEYS)
    if expectation.at is not None:
        with section.at("at"):
            refuse_never(expectation.at, scenario)
    with section.at("within"):
        refuse_cut_window(expectation, scenario)
    with section.at("on"):
        resolve(expectation.on, cast, stream(scenario.seed, "check", ""))
