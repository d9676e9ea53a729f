"""When things of a scenario happen, as far as that can be said before it runs."""

from chain.primitives.errors import Invalid
from chain.toml import nearest
from testnet.scenario.model import (
    AfterFault,
    AtHeight,
    AtTime,
    Expectation,
    Fault,
    Mode,
    Scenario,
    Trigger,
)
from testnet.spec import Consensus


def begin_ms(trigger: Trigger, scenario: Scenario, above: tuple[str, ...] = ()) -> int | None:
    """When a trigger comes; None when only a run can tell.

    `above` are the faults that wait for this one. Raises Invalid for a trigger that never comes:
    an unknown fault, one without an end, or faults that wait for each other.
    """
    match trigger:
        case AtTime(ms):
            return ms
        case AtHeight():
            return None
        case AfterFault(name, ms):
            if name in above:
                circle = " -> ".join((*above, name))
                raise Invalid("cycle", f"faults wait for each other: {circle}")
            fault = fault_named(name, scenario)
            if fault.for_ms == 0:
                raise Invalid("trigger", f"{name!r} has no `for`: it lasts until the end")
            begin = begin_ms(fault.at, scenario, (*above, name))
            return None if begin is None else begin + fault.for_ms + ms


def end_ms(begin: int | None, for_ms: int, scenario: Scenario) -> int | None:
    """When something that began ends; without a `for` that is the end of the run."""
    if for_ms == 0:
        return scenario.duration_ms
    return None if begin is None else min(begin + for_ms, scenario.duration_ms)


def calm_ms(scenario: Scenario) -> int | None:
    """When the last fault has ended; None when only a run can tell.

    Faults without a `for` are not waited for: what is expected then holds in spite of them.
    """
    passing = [fault for fault in scenario.faults if fault.for_ms]
    ends = [end_ms(begin_ms(f.at, scenario, (f.id,)), f.for_ms, scenario) for f in passing]
    known = [end for end in ends if end is not None]
    return max(known, default=0) if len(known) == len(ends) else None


def open_ms(expectation: Expectation, scenario: Scenario) -> int | None:
    """When a window opens; None when only a run can tell. What is watched always opens at 0."""
    if expectation.mode is not Mode.WITHIN:
        return 0
    if expectation.at is None:
        return calm_ms(scenario)
    return begin_ms(expectation.at, scenario)


def seconds(ms: int) -> str:
    """A moment of a timeline for people, always in the same unit."""
    return f"{ms / 1_000:g}s"


def fault_named(name: str, scenario: Scenario) -> Fault:
    """The fault of that id, or Invalid with the nearest there is."""
    for fault in scenario.faults:
        if fault.id == name:
            return fault
    raise Invalid(
        "unknown-fault", f"no fault has the id {name!r}; {nearest(name, ids_of(scenario))}"
    )


def ids_of(scenario: Scenario) -> tuple[str, ...]:
    """The ids of all faults, in order."""
    return tuple(fault.id for fault in scenario.faults)


def refuse_never(trigger: Trigger, scenario: Scenario, above: tuple[str, ...] = ()) -> None:
    """Raises Invalid for a trigger that cannot come before the run is over."""
    if isinstance(trigger, AtHeight) and scenario.net.consensus is Consensus.AUTHORITY:
        earliest: int | None = trigger.height * scenario.net.block_ms
    else:
        earliest = begin_ms(trigger, scenario, above)
    if earliest is not None and earliest >= scenario.duration_ms:
        raise Invalid(
            "too-late",
            f"comes at {seconds(earliest)} at the earliest, but the run is over"
            f" after {seconds(scenario.duration_ms)}; lengthen `duration`",
        )


def refuse_cut_window(expectation: Expectation, scenario: Scenario) -> None:
    """Raises Invalid for a window that the end of the run would cut short."""
    opens = open_ms(expectation, scenario)
    if opens is None or opens + expectation.within_ms <= scenario.duration_ms:
        return
    raise Invalid(
        "too-late",
        f"the window is from {seconds(opens)} to {seconds(opens + expectation.within_ms)},"
        f" but the run is over after {seconds(scenario.duration_ms)}; lengthen `duration`",
    )
