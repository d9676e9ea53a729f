"""Runs that no network made, shaped like real ones: a cut, a fork, a reorganisation, a finding."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from testnet.faults.link import Delay
from testnet.faults.partition import Partition
from testnet.faults.process import Kill
from testnet.observation import (
    BlockJoined,
    BlockLeft,
    Fact,
    FaultBegan,
    FaultEnded,
    Glimpse,
    Judged,
    NodeStarted,
    NodeStopped,
    Refused,
    Seen,
    TransactionOffered,
    TransactionSeen,
    encode_seen,
)
from testnet.outcome import Figure, Outcome, Verdict, Violation
from testnet.scenario.model import (
    AtTime,
    Expectation,
    Fault,
    Load,
    Mode,
    NetPlan,
    Scenario,
    Tier,
)

CUT_S, HEAL_S = 20.0, 40.0
KILL_S, BACK_S = 8.0, 14.0
FOUND_S = 41.3
CITIES = ("Shanghai", "Moscow", "Sao Paulo", "Johannesburg", "New Delhi", "Cairo")


def hexed(*parts: object) -> str:
    """An id that follows from its parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Stage:
    """What is played: `broken` has the cut lead to two finalized blocks at one height."""

    nodes: int = 8
    blocks: int = 60
    rate: int = 4
    broken: bool = True
    cities: tuple[str, ...] = CITIES

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"n{number}" for number in range(1, self.nodes + 1))

    @property
    def duration_s(self) -> float:
        return FOUND_S if self.broken else float(self.blocks)

    def stubborn(self, name: str) -> bool:
        """Whether a node has finalized its own branch and stays there."""
        return self.broken and name == self.names[-1]

    def side(self, name: str) -> str:
        return "left" if int(name[1:]) <= self.nodes // 2 else "right"


def scenario(stage: Stage) -> Scenario:
    """The scenario that a stage plays."""
    half = f"n1..n{stage.nodes // 2}"
    return Scenario(
        name="halves-then-heal",
        about="A cut through the middle: both sides go on, then one chain wins.",
        duration_ms=max(stage.blocks, 60) * 1_000,
        net=NetPlan(nodes=stage.nodes, latency="brics", cities=stage.cities),
        loads=(Load(AtTime(0), 45_000, float(stage.rate)),),
        faults=(
            Fault("power", AtTime(8_000), 6_000, Kill(), f"n{stage.nodes - 1}", "all"),
            Fault("cut", AtTime(20_000), 20_000, Partition(), half),
            Fault("slow", AtTime(25_000), 10_000, Delay(300), "n2", "all"),
        ),
        expectations=(
            Expectation(Mode.ALWAYS, "common-prefix"),
            Expectation(Mode.ALWAYS, "supply"),
            Expectation(Mode.WITHIN, "converged", within_ms=15_000),
            Expectation(Mode.SOMETIMES, "reorg"),
            Expectation(Mode.SOMETIMES, "equivocation"),
        ),
    )


def outcome(stage: Stage, seed: int = 7) -> Outcome:
    """The run of a stage."""
    found = [each for each in played(stage, seed) if each.at_s <= stage.duration_s]
    seen = tuple(sorted(found, key=lambda each: each.at_s))
    violations = (finding(stage),) if stage.broken else ()
    return Outcome(
        scenario=scenario(stage),
        seed=seed,
        tier=Tier.NODE,
        verdict=Verdict.SAFETY if stage.broken else Verdict.PASS,
        digest=hashlib.sha256("".join(map(encode_seen, seen)).encode()).hexdigest(),
        violations=violations,
        probes=("reorg",),
        inert=("slow",),
        figures=(
            Figure("propagation p50", 84.2, "ms"),
            Figure("propagation p99", 412.75, "ms"),
            Figure("inclusion p50", 1.12, "s"),
            Figure("bytes a transaction", 4210.0, "B"),
        ),
        virtual_s=stage.duration_s,
        wall_s=2.31,
        seen=seen,
    )


def finding(stage: Stage) -> Violation:
    """Two nodes have finalized two blocks at one height."""
    left, right = hexed("left", 27)[:12], hexed("right", 27)[:12]
    last = f"n{stage.nodes}"
    return Violation(
        check="common-prefix",
        verdict=Verdict.SAFETY,
        at_s=FOUND_S,
        nodes=("n1", last),
        height=27,
        statement=f"n1 has finalized {left} at height 27, {last} has finalized {right} there",
        causes=(
            "39.8 s  n1 joined height 38",
            "40.0 s  cut ended: every link was restored",
            f"41.1 s  {last} refused to leave its finalized height 27",
        ),
    )


def played(stage: Stage, seed: int) -> Iterator[Seen]:
    """Everything seen, in no order yet."""
    rng = random.Random(seed)
    for name in stage.names:
        yield Seen(0.05 + rng.random() / 10, NodeStarted(name))
    yield from faults(stage)
    yield from blocks(stage, rng)
    yield from transactions(stage, rng)
    yield from glimpses(stage, rng)
    if not stage.broken:
        yield Seen(47.5, Judged("converged", "pass", "all heads are within one block"))


def faults(stage: Stage) -> Iterator[Seen]:
    """A kill, a cut, and a delay that hits nothing."""
    names, half = stage.names, stage.nodes // 2
    victim = f"n{stage.nodes - 1}"
    yield Seen(KILL_S, FaultBegan("power", "process.kill", (victim,), names))
    yield Seen(KILL_S + 0.01, NodeStopped(victim, "killed"))
    yield Seen(BACK_S, NodeStarted(victim))
    yield Seen(BACK_S, FaultEnded("power", 1, True))
    yield Seen(CUT_S, FaultBegan("cut", "partition", names[:half], names[half:]))
    yield Seen(HEAL_S, FaultEnded("cut", 3_812, True))
    yield Seen(25.0, FaultBegan("slow", "link.delay", ("n2",), names))
    yield Seen(35.0, FaultEnded("slow", 0, True))
    if stage.broken:
        yield Seen(41.0, Refused("n3", f"n{stage.nodes}", "invalid-parent", "unknown parent"))


def branch(height: int, side: str) -> str:
    """On which branch a block of that height is, as that side sees it during the cut."""
    return side if CUT_S < height <= HEAL_S else "main"


def identity(height: int, side: str) -> str:
    return hexed(branch(height, side), height)


def joined(name: str, height: int, side: str, author: str) -> BlockJoined:
    """A block, made by whoever is said to have made it, with the transactions of its second."""
    parent = "left" if height == HEAL_S + 1 else side
    return BlockJoined(
        node=name,
        block=identity(height, side),
        parent=identity(height - 1, parent),
        height=height,
        slot=height,
        author=hexed("author", author),
        state=hexed("state", branch(height, side), height),
        transactions=tuple(hexed("tx", height, n) for n in range(4 if height < 47 else 0)),
    )


def blocks(stage: Stage, rng: random.Random) -> Iterator[Seen]:
    """A block a second; while the network is cut, one on each side."""
    down = f"n{stage.nodes - 1}"
    for height in range(1, stage.blocks):
        for name in stage.names:
            if stage.stubborn(name) and height > HEAL_S:
                continue
            side = stage.side(name)
            late = rng.lognormvariate(-2.5, 0.6)
            at_s = height + late
            if name == down and KILL_S <= at_s < BACK_S:
                at_s = BACK_S + 0.4 + 0.01 * height
            authors = stage.names[: stage.nodes // 2] if side == "left" else stage.names[-2:]
            yield Seen(at_s, joined(name, height, side, authors[height % len(authors)]))
    losers = [name for name in stage.names[stage.nodes // 2 :] if not stage.stubborn(name)]
    for place, name in enumerate(losers):
        at_s = HEAL_S + 0.9 + place * 0.02
        for height in range(int(HEAL_S), int(CUT_S), -1):
            yield Seen(at_s, BlockLeft(name, identity(height, "right"), height))
        for height in range(int(CUT_S) + 1, int(HEAL_S) + 1):
            yield Seen(at_s + 0.001, joined(name, height, "left", "n1"))


def transactions(stage: Stage, rng: random.Random) -> Iterator[Seen]:
    """A few each second, each included a second later."""
    for height in range(1, 47):
        for number in range(stage.rate):
            transaction = hexed("tx", height, number)
            node = rng.choice(stage.names)
            at_s = height - 1 + rng.random() * 0.8
            offered = TransactionOffered(node, transaction, hexed("s", number), 0, height, 600)
            if number == 3 and height % 9 == 0:
                offered = replace(offered, code="nonce-gap", reason="sequence 9, expected 8")
            yield Seen(at_s, offered)
            for name in stage.names:
                late = at_s + rng.lognormvariate(-3, 0.5)
                yield Seen(late, TransactionSeen(name, transaction))


def glimpses(stage: Stage, rng: random.Random) -> Iterator[Seen]:
    """Every node, each second."""
    for second in range(stage.blocks):
        for name in stage.names:
            waiting = rng.randrange(4, 9) + (second - 20) * 3 * (CUT_S < second < HEAL_S)
            yield Seen(second + 0.5, glimpse(stage, name, second, max(waiting, 0)))


def glimpse(stage: Stage, name: str, second: int, waiting: int) -> Fact:
    cut = CUT_S < second < HEAL_S
    height = min(second, int(HEAL_S)) if stage.stubborn(name) else second
    return Glimpse(
        node=name,
        height=height,
        head=identity(height, stage.side(name)),
        peers=(stage.nodes // 2 if cut else stage.nodes) - 1,
        mempool=waiting,
        mempool_bytes=waiting * 240,
        queued_bytes=0,
        bytes_out=second * 41_000,
        messages_out=second * 120,
    )
