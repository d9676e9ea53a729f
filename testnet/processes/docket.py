"""The supervisor's docket of faults: which are in force, who carries them out, what they have hit.

Faults of links and partitions go to every node, those within nodes to the nodes they hit; those of
processes are done here, with signals and with what a node's next life is given. It signals and
writes to pipes, and is told what happened and when (`now` in seconds on a steady clock).

Rules:
- An order waits for the word of every running node it went to, ANSWER_S at most. *Why:* whoever
  asks wants to know that it is done; a node that hangs must not hang them.
- A node that starts again is given what is in force, before it does anything else.
- A node stays down while any fault holds it down.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from testnet.errors import Unfit
from testnet.faults.disk import BitRot, PowerCut
from testnet.faults.link import LinkKind
from testnet.faults.partition import PartitionKind
from testnet.faults.people import ClientKind, OldBackup, StaleConfig, WrongGenesis
from testnet.faults.process import Crash, CrashLoop, Kill, Pause, SlowCpu
from testnet.fleet import Fleet
from testnet.pipes import Begin, Begun, End, Ended, Hits, NodePipe
from testnet.processes.hands import Hands, Signal
from testnet.processes.in_force import InForce
from testnet.stage import Act, Undone
from testnet.views import State

ANSWER_S = 5.0
"""A node answers between two blocks; one at a thousandth of a processor does not in time."""

TURN_S = 0.1
"""A slow processor's turn: of each, the process gets its share."""

IN_FORCE_MAX = 200
"""As many as a scenario can have; each costs a look at every tick."""

HELD = Kill | PowerCut | BitRot
SURGERY = Kill | PowerCut | BitRot | OldBackup
MISCONFIGURED = WrongGenesis | StaleConfig
CLIENTS = "clients-"


@dataclass(slots=True)
class Case:
    """A fault, from its beginning until all is undone."""

    act: Act
    since_s: float
    until_s: float | None
    answer_by_s: float
    awaiting: dict[str, None] = field(default_factory=dict)
    past_hits: int = 0
    hits_now: dict[str, int] = field(default_factory=dict)
    turn_s: float | None = None
    stopped: bool = False
    spent: dict[str, None] = field(default_factory=dict)
    begun: bool = False
    ending: bool = False
    clean: bool = True
    refusal: str = ""

    @property
    def hits(self) -> int:
        """Of all nodes, in all their lives."""
        return self.past_hits + sum(self.hits_now.values())


@dataclass(frozen=True, slots=True)
class Settled:
    """An order that is carried out, or was refused by a node."""

    act: Act
    undone: Undone | None
    refusal: str = ""


class Docket:
    """The faults of one testnet. `names` are the nodes there are; other children carry none."""

    def __init__(
        self,
        fleet: Fleet,
        pipes: dict[str, NodePipe],
        names: Callable[[], tuple[str, ...]],
        signal_child: Signal,
    ) -> None:
        self._fleet = fleet
        self._names = names
        self._pipes = pipes
        self._hands = Hands(fleet, signal_child)
        self._cases: dict[str, Case] = {}
        self._surgeries: dict[str, list[Act]] = {}

    # Orders

    def begin(self, act: Act, for_s: float, now: float) -> None:
        """Put a fault in force. Raises Unfit for one that cannot be."""
        names = self._names()
        if act.id in self._cases:
            raise Unfit(
                "fault-exists", f"a fault {act.id!r} is in force; end it, or take another id"
            )
        if len(self._cases) >= IN_FORCE_MAX:
            raise Unfit("too-many-faults", f"{IN_FORCE_MAX} faults are in force; end some")
        for name in (*act.on, *act.to):
            if name not in names:
                raise Unfit("unknown-node", f"no node {name!r}; there are {', '.join(names)}")
        until_s = now + for_s if for_s else None
        case = self._cases[act.id] = Case(act, now, until_s, now + ANSWER_S)
        try:
            self._carry_out(case, now)
        except Unfit:
            del self._cases[act.id]
            raise

    def end(self, act_id: str, now: float) -> bool:
        """Undo a fault; False when it is not in force. It is undone once `tick` says so."""
        case = self._cases.get(act_id)
        if case is None:
            return False
        if not case.ending:
            case.ending, case.begun = True, False
            case.until_s, case.turn_s, case.answer_by_s = None, None, now + ANSWER_S
            case.awaiting.clear()
            self._undo(case, now)
        return True

    def tick(self, now: float) -> list[Settled]:
        """Do what is due; the orders that are carried out by now."""
        settled = []
        for case in list(self._cases.values()):
            if case.until_s is not None and case.until_s <= now:
                self.end(case.act.id, now)
            if case.turn_s is not None and case.turn_s <= now:
                self._take_turn(case, now)
            if case.awaiting and case.answer_by_s <= now:
                case.clean = False
                case.awaiting.clear()
            if not case.awaiting and not case.begun:
                case.begun = True
                settled.append(self._settle(case))
        return settled

    def deadline(self) -> float | None:
        """When `tick` is next wanted."""
        times = [
            at_s
            for case in self._cases.values()
            for at_s in (
                case.until_s,
                case.turn_s,
                case.answer_by_s if case.awaiting else None,
                case.since_s if not case.awaiting and not case.begun else None,
            )
            if at_s is not None
        ]
        return min(times, default=None)

    def in_force(self, now: float) -> tuple[InForce, ...]:
        """All faults, in the order they began."""
        return tuple(
            InForce(
                act=case.act,
                since_s=now - case.since_s,
                left_s=0.0 if case.until_s is None else max(0.0, case.until_s - now),
                hits=case.hits,
            )
            for case in self._cases.values()
            if not case.ending
        )

    # What the children do and say

    def spawned(self, name: str) -> None:
        """A child has started; its pipe is open."""
        for case in self._cases.values():
            if not case.ending and name not in case.spent and name in self._carriers(case.act):
                self._order(name, Begin(case.act))

    def exited(self, name: str, how: str) -> None:
        """A child has ended."""
        for case in self._cases.values():
            case.awaiting.pop(name, None)
            case.past_hits += case.hits_now.pop(name, 0)
            died = how == signal.SIGKILL.name and name in case.act.on
            if isinstance(case.act.kind, Crash) and died and name not in case.spent:
                case.spent[name] = None
                case.past_hits += 1

    def heard(self, name: str, news: Begun | Ended | Hits) -> None:
        """A child has said something about faults."""
        match news:
            case Begun(act, refused):
                if (case := self._cases.get(act)) is not None and not case.ending:
                    case.awaiting.pop(name, None)
                    case.refusal = case.refusal or refused
            case Ended(act, undone):
                if (case := self._cases.get(act)) is not None and case.ending:
                    case.awaiting.pop(name, None)
                    case.hits_now[name] = undone.hits
                    case.clean = case.clean and undone.clean
            case Hits(counts):
                for act, hits in counts:
                    if (case := self._cases.get(act)) is not None and not case.ending:
                        case.hits_now[name] = hits

    def next_life(self, name: str) -> tuple[Act, ...]:
        """What a node's next life begins with: what is done to its files, and its mistakes."""
        mistaken = [
            case.act
            for case in self._cases.values()
            if isinstance(case.act.kind, MISCONFIGURED) and name in case.act.on and not case.ending
        ]
        return (*self._surgeries.pop(name, ()), *mistaken)

    def clients(self, name: str) -> Act:
        """The fault that a child of that name carries out from outside the nodes."""
        return self._cases[name.removeprefix(CLIENTS)].act

    # Carrying out

    def _carriers(self, act: Act) -> tuple[str, ...]:
        """The children that carry a fault out within themselves."""
        match act.kind:
            case kind if isinstance(kind, LinkKind | PartitionKind):
                return self._names()
            case kind if isinstance(kind, HELD | MISCONFIGURED | OldBackup | ClientKind):
                return ()
            case kind if isinstance(kind, CrashLoop | Pause | SlowCpu):
                return ()
            case _:
                return act.on

    def _carry_out(self, case: Case, now: float) -> None:
        act = case.act
        for name in self._carriers(act):
            self._tell(case, name, Begin(act))
        match act.kind:
            case kind if isinstance(kind, HELD):
                for name in act.on:
                    self._hold(case, name)
            case Pause():
                case.past_hits += sum([self._hands.pause(name) for name in act.on])
            case SlowCpu() | CrashLoop():
                self._take_turn(case, now)
            case kind if isinstance(kind, OldBackup | MISCONFIGURED):
                for name in act.on:
                    self._surgery(act, name)
                self._bounce(case, signal.SIGTERM, now)
            case kind if isinstance(kind, ClientKind):
                self._fleet.add(f"{CLIENTS}{act.id}")
            case _:
                pass  # the nodes do it

    def _undo(self, case: Case, now: float) -> None:
        act = case.act
        for name in self._carriers(act):
            self._tell(case, name, End(act.id))
        match act.kind:
            case kind if isinstance(kind, HELD):
                for name in act.on:
                    self._let_go(name, now)
            case Pause():
                for name in act.on:
                    self._hands.go_on(name, now)
            case SlowCpu() if case.stopped:
                for name in act.on:
                    self._hands.turn(name, signal.SIGCONT)
            case kind if isinstance(kind, MISCONFIGURED):
                hits = case.past_hits
                self._bounce(case, signal.SIGTERM, now)
                case.past_hits = hits  # putting it right is no hit
            case kind if isinstance(kind, ClientKind):
                self._hands.dismiss(f"{CLIENTS}{act.id}", now)
            case _:
                pass  # the nodes do it

    def _settle(self, case: Case) -> Settled:
        act = case.act
        if case.ending:
            del self._cases[act.id]
            return Settled(act, Undone(case.hits, case.clean))
        if case.refusal:
            for name in self._carriers(act):
                self._order(name, End(act.id))
            del self._cases[act.id]
        return Settled(act, None, case.refusal)

    def _tell(self, case: Case, name: str, order: Begin | End) -> None:
        """Give an order; the word of a child that is not running is not waited for."""
        if self._order(name, order) and self._fleet.member(name).state is State.RUNNING:
            case.awaiting[name] = None

    def _order(self, name: str, order: Begin | End) -> bool:
        pipe = self._pipes.get(name)
        return pipe is not None and pipe.order(order)

    def _hold(self, case: Case, name: str) -> None:
        self._surgery(case.act, name)
        if self._hands.hold(name):
            case.past_hits += 1
            case.awaiting[name] = None

    def _let_go(self, name: str, now: float) -> None:
        if not any(_holds(case, name) for case in self._cases.values()):
            self._hands.let_go(name, now)

    def _surgery(self, act: Act, name: str) -> None:
        if isinstance(act.kind, SURGERY):
            self._surgeries.setdefault(name, []).append(act)

    def _bounce(self, case: Case, by: signal.Signals, now: float) -> None:
        for name in case.act.on:
            if self._hands.bounce(name, by, now):
                case.past_hits += 1
                case.awaiting[name] = None

    def _take_turn(self, case: Case, now: float) -> None:
        match case.act.kind:
            case SlowCpu(share):
                case.stopped = not case.stopped
                case.turn_s = now + TURN_S * (1 - share if case.stopped else share)
                number = signal.SIGSTOP if case.stopped else signal.SIGCONT
                turns = [self._hands.turn(name, number) for name in case.act.on]
                case.past_hits += sum(turns) if case.stopped else 0
            case CrashLoop(every_ms):
                case.turn_s = now + every_ms / 1_000
                self._bounce(case, signal.SIGKILL, now)
                case.awaiting.clear()  # the next death does not wait for this one
            case _:
                case.turn_s = None


def _holds(case: Case, name: str) -> bool:
    return isinstance(case.act.kind, HELD) and name in case.act.on and not case.ending
