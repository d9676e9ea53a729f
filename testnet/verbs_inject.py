"""`testnet inject`, `heal`, `faults`: break a running testnet by hand, and keep what was done."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from chain.genesis import Genesis
from chain.primitives.errors import Refusal
from testnet.conditions import load_conditions, wants_backups
from testnet.control import Request, Verb, ask, ask_faults
from testnet.directory import NetDirectory
from testnet.errors import LaunchFailure, Unfit
from testnet.faults.kinds import Kind
from testnet.faults.parameters import Parameter, parameters_of
from testnet.faults.wire import encode_parameters, kind_named, make_kind
from testnet.options import AsJson, choose, console, print_json, usage
from testnet.processes.in_force import FaultsReply, InForce, encode_faults
from testnet.processes.session import SEED
from testnet.record import load_record
from testnet.scenario.casting import nodes_stream, usual_to
from testnet.scenario.selectors import Cast, listed, resolve
from testnet.scenario.streams import number
from testnet.scenario.text import value_text
from testnet.scenario.triggers import ID
from testnet.spec import load_spec, parse_duration_ms
from testnet.stage import Act

EVERYTHING = "all"
UNDERSTOOD = ("out-of-range", "choice")
"""Refusals of a reading that was the right one: what they say helps, what another says does not."""

Net = Annotated[str, typer.Argument(metavar="NAME", help="The testnet.")]
Selector = Annotated[
    str,
    typer.Argument(
        metavar="SELECTOR", help="Whom: n3, n1..n4, rand:2, producer:*, minority, leader, all."
    ),
]
FaultName = Annotated[
    str,
    typer.Argument(
        metavar="FAULT",
        help="link.delay, partition, process.kill, ...; `python -m testnet.faults` explains all.",
    ),
]
Given = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Its parameters: by=200ms.")
]
ForTime = Annotated[str, typer.Option("--for", help="End by itself after 20s, 2m; 0: never.")]
Id = Annotated[str, typer.Option("--id", help="What it is called; f1, f2, ... without it.")]
To = Annotated[str, typer.Option(help="The other side of links: a selector; a cut's are others.")]
Which = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Which faults; without one, all.")
]
Record = Annotated[
    Path | None, typer.Option(help="Write what was done so far into this file, as a scenario.")
]


def inject(
    net: Net,
    selector: Selector,
    fault: FaultName,
    given: Given = None,
    for_time: ForTime = "0",
    identity: Id = "",
    to: To = "",
    as_json: AsJson = False,
) -> None:
    """Put a fault in force in a running testnet.

    [dim]cornerstone testnet inject demo n3 link.delay by=200ms jitter=50ms --for 30s
    cornerstone testnet inject demo minority partition --id cut[/dim]
    """
    directory = choose(net)
    with usage():
        kind = parse_fault(fault, given or [])
    standing = ask_faults(directory, Request(Verb.FAULTS))
    if wants_backups(kind) and not load_conditions(directory.conditions).backups:
        raise Unfit("no-backups", f"{net} keeps no backups; only a scenario's testnet does")
    with usage():
        for_s = 0.0 if for_time == "0" else parse_duration_ms(for_time) / 1_000
        act = aim(kind, identity or free_id(standing), selector, to, cast_now(directory))
    reply = ask_faults(directory, Request(Verb.INJECT, act=act, for_s=for_s))
    if as_json:
        print_json(encode_faults(reply))
        return
    ends = f"for {for_time}" if for_s else f"`cornerstone testnet heal {net} {act.id}` ends it"
    console.print(Text(f"{act.id}: {said(kind)} on {listed(act.on)}; {ends}"))


def heal(net: Net, which: Which = None, as_json: AsJson = False) -> None:
    """End faults and splits: all of them, or those named.

    [dim]cornerstone testnet heal demo cut[/dim]
    """
    directory = choose(net)
    there = [fault.act.id for fault in ask_faults(directory, Request(Verb.FAULTS)).in_force]
    everything = not which or which == [EVERYTHING]
    wanted = there if everything else which or []
    for identity in wanted:
        if identity not in there:
            raise Unfit(
                "unknown-fault", f"no fault {identity!r} is in force; there are {', '.join(there)}"
            )
    undone = {act: ask_faults(directory, Request(Verb.END, ends=act)).undone for act in wanted}
    if everything:
        ask(directory, Request(Verb.HEAL))
    if as_json:
        ended = {act: u and {"hits": u.hits, "clean": u.clean} for act, u in undone.items()}
        print_json({"groups": [], "ended": ended})
        return
    for act, found in undone.items():
        left = "" if found is None or found.clean else "; something of it may be left, see `logs`"
        hits = 0 if found is None else found.hits
        console.print(Text(f"{act} ended after {hits} hits{left}"))
    if everything:
        console.print("healed: every node can reach every other")


def faults(net: Net, record: Record = None, as_json: AsJson = False) -> None:
    """What is in force, and how often it has done anything so far.

    [dim]cornerstone testnet faults demo --record mine.toml[/dim]
    """
    directory = choose(net)
    if record is not None:
        write_session(directory, record)
        console.print(
            Text(f"recorded in {record}; `cornerstone testnet run {record}` plays it again")
        )
        return
    reply = ask_faults(directory, Request(Verb.FAULTS))
    if as_json:
        print_json(encode_faults(reply))
    elif not reply.in_force:
        console.print("no fault is in force")
    else:
        console.print(table_of(reply.in_force))


def parse_fault(name: str, given: list[str]) -> Kind:
    """A fault from a command line's words. Raises Unfit with what would be right."""
    kind = kind_named(name)
    parameters = parameters_of(kind)
    values = dict[str, object]()
    for word in given:
        key, separator, text = word.partition("=")
        if not separator:
            raise Unfit("parameter", f"{word!r} is no parameter; write KEY=VALUE, as in by=200ms")
        if key in values:
            raise Unfit("parameter", f"{key} is given twice; write a list as {key}=one,two")
        values[key] = value_of(text, parameters[key][1]) if key in parameters else text
    return make_kind(kind, values)


def value_of(text: str, parameter: Parameter) -> object:
    """The value a text stands for: the reading that the parameter takes, or would in bounds."""
    for value in readings(text):
        try:
            parameter.read(value)
        except Refusal as refusal:
            if refusal.code not in UNDERSTOOD:
                continue
        return value
    return text


def readings(text: str) -> list[object]:
    """A text as a number where it is one, as itself, and as a list."""
    found: list[object] = [text, [item for item in text.split(",") if item]]
    for number_of in (float, int):
        try:
            found.insert(0, number_of(text))
        except ValueError:
            continue
    return found


def aim(kind: Kind, identity: str, selector: str, to: str, cast: Cast) -> Act:
    """The act, with everyone resolved. Raises Unfit."""
    if not ID.fullmatch(identity):
        raise Unfit("id", f"{identity!r} is no id; write a letter, then at most 31 of a-z, 0-9, -")
    on = resolve(selector, cast, nodes_stream(SEED, identity))
    beside = Cast(cast.names, cast.authors, cast.cities, cast.leader, cast.hostile, on)
    other = resolve(to or usual_to(kind), beside, nodes_stream(SEED, identity))
    return Act(identity, kind, on, other, number(SEED, "fault", identity))


def cast_now(directory: NetDirectory) -> Cast:
    """The nodes there are, who makes blocks, and whose block is due."""
    names = tuple(node.name for node in load_record(directory).nodes)
    authors = load_spec(directory.spec).author_names
    genesis = Genesis.decode(directory.genesis.read_bytes())
    slot = genesis.slot_at(time.time_ns() // 1_000_000)
    cities = load_conditions(directory.conditions).cities
    return Cast(names, authors, cities, authors[slot % len(authors)])


def free_id(standing: FaultsReply) -> str:
    """The first of f1, f2, ... that is not in force."""
    taken = {fault.act.id for fault in standing.in_force}
    count = 1
    while f"f{count}" in taken:
        count += 1
    return f"f{count}"


def said(kind: Kind) -> str:
    """A fault with the parameters that are not as usual."""
    given = [f"{key}={value_text(value)}" for key, value in encode_parameters(kind).items()]
    return " ".join([kind.NAME, *given])


def table_of(in_force: tuple[InForce, ...]) -> Table:
    """The faults in force, for people."""
    table = Table("id", "fault", "on", "to", "for", "left", "hits", box=None)
    for fault in in_force:
        left = f"{fault.left_s:.0f} s" if fault.left_s else "until healed"
        act, since = fault.act, f"{fault.since_s:.0f} s"
        sides = (listed(act.on), listed(act.to))
        table.add_row(Text(act.id), Text(said(act.kind)), *sides, since, left, str(fault.hits))
    return table


def write_session(directory: NetDirectory, path: Path) -> None:
    """Copies the recorded session. Raises Unfit when nothing was done, or the file is there."""
    if not directory.session.exists():
        raise Unfit("no-session", f"nothing was done to {directory.name} by hand yet")
    try:
        with path.open("x") as file:
            file.write(directory.session.read_text())
    except FileExistsError:
        raise Unfit("file-exists", f"{path} exists; name another file") from None
    except OSError as error:
        raise LaunchFailure(f"{path} cannot be written: {error.strerror}") from error
