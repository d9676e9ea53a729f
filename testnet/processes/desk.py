"""The desk for faults: clients give orders, and are answered once these are carried out.

It also turns splits into partitions, and writes down everything that is done by hand.
"""

import socket
import time
from collections.abc import Callable
from itertools import count

from testnet.control import Request, Verb, encode_line, encode_refusal
from testnet.directory import NetDirectory
from testnet.errors import Unfit
from testnet.faults.partition import Partition
from testnet.faults.process import Kill, Pause
from testnet.journal import journal
from testnet.processes.docket import Docket, Settled
from testnet.processes.in_force import FaultsReply, encode_faults
from testnet.processes.session import Session
from testnet.spec import load_spec
from testnet.split import Groups, check_groups
from testnet.stage import Act, Undone

Send = Callable[[socket.socket, bytes], None]


class Desk:
    """Serves the clients of one supervisor. `names` are the nodes there are."""

    def __init__(
        self,
        docket: Docket,
        directory: NetDirectory,
        names: Callable[[], tuple[str, ...]],
        send: Send,
    ) -> None:
        self.groups: Groups = ()
        self._docket = docket
        self._path = directory.session
        self._session = Session(load_spec(directory.spec), time.monotonic())
        self._names = names
        self._send = send
        self._asking: dict[socket.socket, str] = {}
        self._cuts: list[str] = []
        self._cuts_made = count(1)
        self._heal_at_s: float | None = None

    # Faults

    def answer(self, client: socket.socket, request: Request, now: float) -> bytes | None:
        """The reply to INJECT, END or FAULTS; None when it has to wait for nodes. Raises Unfit."""
        if request.verb is Verb.FAULTS:
            return self._show(None, now)
        if request.verb is Verb.END:
            if not self._docket.end(request.ends, now):
                return self._show(Undone(0, clean=True), now)
            self._asking[client] = request.ends
        elif request.act is not None:
            self._docket.begin(request.act, request.for_s, now)
            self._asking[client] = request.act.id
        else:
            raise Unfit("bad-request", "an order to inject names no act")
        return None

    def left(self, client: socket.socket) -> None:
        """A client has gone."""
        self._asking.pop(client, None)

    def tick(self, now: float) -> int:
        """Do what is due and answer who waits; how many faults began or ended."""
        if self._heal_at_s is not None and self._heal_at_s <= now:
            self.heal(now)
        settled = self._docket.tick(now)
        for each in settled:
            self._write_down(each, now)
        self._session.save(self._path, now)
        for each in settled:
            self._tell(each, now)
        return len(settled)

    def deadline(self) -> float | None:
        """When `tick` is next wanted."""
        times = (self._docket.deadline(), self._heal_at_s)
        return min((at for at in times if at is not None), default=None)

    def _write_down(self, settled: Settled, now: float) -> None:
        act, undone = settled.act, settled.undone
        journal("fault", id=act.id, ended=undone is not None, refused=settled.refusal)
        if undone is not None:
            self._session.ended(act.id, now)
        elif not settled.refusal:
            self._session.began(act.id, act.kind, act.on, act.to, now)

    def _tell(self, settled: Settled, now: float) -> None:
        reply = self._show(settled.undone, now)
        if settled.refusal:
            reply = encode_refusal(Unfit("fault", settled.refusal))
        for client in [asker for asker, asked in self._asking.items() if asked == settled.act.id]:
            del self._asking[client]
            self._send(client, reply)

    def _show(self, undone: Undone | None, now: float) -> bytes:
        return encode_line(encode_faults(FaultsReply(self._docket.in_force(now), undone)))

    def faults_on(self, name: str, now: float) -> tuple[str, ...]:
        """What is in force on a node, beside the split."""
        return tuple(
            f"{fault.act.kind.NAME} ({fault.act.id})"
            for fault in self._docket.in_force(now)
            if name in fault.act.on and fault.act.id not in self._cuts
        )

    # Splits

    def split(self, groups: Groups, for_s: float, now: float) -> None:
        """Keep groups from reaching each other, in place of the groups there were."""
        check_groups(groups, self._names())
        self._regroup(groups, now + for_s if for_s else None, now)

    def heal(self, now: float) -> None:
        """End the split; harmless when there is none."""
        self._regroup((), None, now)

    def joined(self, name: str, now: float) -> None:
        """A node was added: what is not of a group is a group of its own."""
        if self.groups:
            self._regroup((*self.groups, (name,)), self._heal_at_s, now)

    def _regroup(self, groups: Groups, heal_at_s: float | None, now: float) -> None:
        """Cut each group off from those after it."""
        journal("groups", groups="/".join(",".join(group) for group in groups))
        for cut in self._cuts:
            self._docket.end(cut, now)
        self.groups, self._heal_at_s, self._cuts = groups, heal_at_s, []
        names = self._names()
        there = [tuple(name for name in group if name in names) for group in groups]
        for place, group in enumerate(there[:-1]):
            rest = tuple(name for other in there[place + 1 :] for name in other)
            cut = f"split-{next(self._cuts_made)}"
            self._docket.begin(Act(cut, Partition(), group, rest, 0), 0.0, now)
            self._cuts.append(cut)

    # What is done by hand

    def note(self, verb: Verb, name: str, now: float) -> None:
        """An order to a node: down until started again, paused until it goes on."""
        match verb:
            case Verb.KILL:
                self._session.began(f"kill-{name}", Kill(), (name,), self._names(), now)
            case Verb.PAUSE:
                self._session.began(f"pause-{name}", Pause(), (name,), self._names(), now)
            case _:
                self._session.ended(f"kill-{name}", now)
                self._session.ended(f"pause-{name}", now)
