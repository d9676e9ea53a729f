"""What people see of a plan in a terminal: the network, then a timeline with bars."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from testnet.faults.parameters import format_ms
from testnet.scenario.model import Mode
from testnet.scenario.plan import Plan, PlannedExpectation, PlannedFault, PlannedLoad, When, Who
from testnet.scenario.selectors import SPAN, listed
from testnet.scenario.timeline import seconds

BAR = 24
"""Characters of a bar: with the other columns it fits a terminal of a hundred."""

HAPPENS = "━"
QUIET = "·"
UNKNOWN = "?"
EVIDENT = ("all", "honest", "others", "producer:*")
"""Selectors that say by themselves who is meant."""

COLOURS = {
    "load": "cyan",
    "link": "yellow",
    "partition": "magenta",
    "gossip": "bright_yellow",
    "byzantine": "red",
    "process": "bright_red",
    "clock": "bright_blue",
    "disk": "bright_magenta",
    "operator": "blue",
    "client": "bright_cyan",
    "expect": "green",
}


def plan_view(plan: Plan) -> Group:
    """The whole plan."""
    parts: list[RenderableType] = [_title(plan), Text(_network(plan), "dim"), Text("")]
    if homes := _homes(plan):
        parts += [Text(homes, "dim"), Text("")]
    parts.append(_timeline(plan))
    if plan.left_out:
        parts.append(Text(f"this seed leaves out: {', '.join(plan.left_out)}", "dim"))
    parts += [Text(lack, "red") for lack in plan.lacks]
    return Group(*parts)


def _title(plan: Plan) -> Text:
    title = Text(plan.scenario.name, "bold")
    return title.append(f"  {plan.scenario.about}", "not bold") if plan.scenario.about else title


def _network(plan: Plan) -> str:
    net = plan.scenario.net
    return (
        f"{net.nodes} nodes, {len(plan.cast.authors)} make blocks by {net.consensus} every"
        f" {format_ms(net.block_ms)}, wired {net.wiring}, latency {net.latency};"
        f" {seconds(plan.scenario.duration_ms)}, seed {plan.seed}, {plan.tier} tier"
    )


def _homes(plan: Plan) -> str:
    cities = dict[str, list[str]]()
    for name, city in plan.cast.cities:
        if city:
            cities.setdefault(city, []).append(name)
    return "; ".join(f"{city} {listed(tuple(names))}" for city, names in cities.items())


def _timeline(plan: Plan) -> Table:
    duration = plan.scenario.duration_ms
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("from", justify="right", no_wrap=True)
    table.add_column("to", justify="right", no_wrap=True)
    table.add_column(f"0s{seconds(duration):>{BAR - 2}}", no_wrap=True)
    for title in ("what", "on", "details"):
        table.add_column(title, overflow="fold")
    rows = [
        *map(_load, plan.loads),
        *map(_fault, plan.faults),
        *map(_expectation, plan.expectations),
    ]
    for when, family, cells in rows:
        colour = COLOURS.get(family, "")
        table.add_row(
            *(Text(cell, "dim") for cell in _times(when)),
            Text(bar(when, duration), colour),
            Text(cells[0], colour),
            *map(Text, cells[1:]),
        )
    return table


Row = tuple[When, str, tuple[str, str, str]]
"""When, the family that gives the colour, and what stands in the last three columns."""


def _rows(plan: Plan) -> list[Row]:
    parts = [*map(_load, plan.loads), *map(_fault, plan.faults)]
    return [*parts, *map(_expectation, plan.expectations)]


def _load(load: PlannedLoad) -> Row:
    count = "" if load.transactions is None else f", {load.transactions:,} transactions"
    return load.when, "load", ("load", _who(load.on), f"{load.rate:g}/s {load.kind}{count}")


def _fault(fault: PlannedFault) -> Row:
    details = [f"{key} {text}" for key, text in fault.changed]
    if fault.to.selector != "all":
        details.append(f"to {_who(fault.to)}")
    if fault.note:
        details.append(f"({fault.note})")
    cells = (f"{fault.id}: {fault.name}", _who(fault.on), ", ".join(details))
    return fault.when, fault.name.partition(".")[0], cells


def _expectation(each: PlannedExpectation) -> Row:
    titles = {Mode.ALWAYS: "always", Mode.WITHIN: "expect", Mode.SOMETIMES: "sometimes"}
    details = ", ".join(f"{key} {text}" for key, text in each.parameters)
    return each.when, "expect", (f"{titles[each.mode]} {each.check}", _who(each.on), details)


def _who(who: Who) -> str:
    if not who.nodes:
        return f"{who.selector} (the run tells)"
    names = listed(who.nodes)
    plain = who.selector in (names, *EVIDENT) or SPAN.fullmatch(who.selector)
    return who.selector if plain else f"{who.selector} = {names}"


def _times(when: When) -> Iterator[str]:
    yield when.trigger if when.begin_ms is None else seconds(when.begin_ms)
    yield UNKNOWN if when.end_ms is None else seconds(when.end_ms)


def bar(when: When, duration_ms: int) -> str:
    """A stretch of the run as characters; at least one where it happens at all."""
    if when.begin_ms is None:
        return UNKNOWN.center(BAR, QUIET)
    first = min(when.begin_ms * BAR // duration_ms, BAR - 1)
    end = duration_ms if when.end_ms is None else when.end_ms
    last = max(-(-end * BAR // duration_ms), first + 1)
    return QUIET * first + HAPPENS * (last - first) + QUIET * (BAR - last)
