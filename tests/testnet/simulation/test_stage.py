"""The stage of virtual time: each fault is carried out, seen, and undone without remains."""

import pytest
import trio

from testnet.errors import Unfit
from testnet.faults.kinds import Kind
from testnet.faults.link import Delay
from testnet.faults.partition import Partition
from testnet.faults.people import SlowClient, StaleConfig, WrongGenesis
from testnet.faults.process import CrashLoop, Kill, Pause, SlowCpu
from testnet.observation import BlockJoined, NodeStarted
from testnet.stage import Act, Undone
from tests.testnet.simulation.staged import Theatre, on_stage

NAMES = ("n1", "n2", "n3")


def act(kind: Kind, *on: str, to: tuple[str, ...] = NAMES, name: str = "act") -> Act:
    return Act(name, kind, on, to, seed=1)


def test_it_names_its_nodes_in_order_and_they_make_blocks() -> None:
    async def play(theatre: Theatre) -> None:
        await trio.sleep(10.0)
        standings = await theatre.stage.look()
        assert tuple(standing.name for standing in standings) == NAMES
        assert all(standing.running and standing.height >= 5 for standing in standings)

    on_stage(play)


def test_a_killed_node_answers_nobody_and_is_back_when_it_is_over() -> None:
    async def play(theatre: Theatre) -> None:
        stage = theatre.stage
        await trio.sleep(5.0)
        await stage.begin(act(Kill(), "n2"))
        assert [standing.running for standing in await stage.look()] == [True, False, True]
        assert await stage.offer("n2", [b"anything"]) is None
        assert await stage.end("act") == Undone(1, clean=True)
        await trio.sleep(3.0)
        n1, n2, _ = await stage.look()
        assert n2.running
        assert n2.height >= n1.height - 1 >= 5

    on_stage(play)


def first_height(theatre: Theatre, node: str) -> int:
    """The height of the head with which the node's last life began; 0 where it had none."""
    facts = [seen.fact for seen in theatre.record.seen]
    started = [place for place, fact in enumerate(facts) if fact == NodeStarted(node)]
    match facts[started[-1] + 1]:
        case BlockJoined(node=name, height=height) if name == node:
            return height
        case _:
            return 0


def test_a_wiped_node_begins_with_nothing_and_one_rolled_back_with_its_old_chain() -> None:
    async def play(theatre: Theatre) -> None:
        stage = theatre.stage
        await trio.sleep(12.0)
        height = (await stage.look())[0].height
        await stage.begin(act(Kill(data="wiped"), "n1"))
        await stage.begin(act(Kill(data="rolled-back", age_ms=5_000), "n2", name="back"))
        await stage.begin(act(Kill(), "n3", name="kept"))
        for name in ("act", "back", "kept"):
            await stage.end(name)
        await trio.sleep(0.5)
        wiped, rolled_back, kept = (first_height(theatre, name) for name in NAMES)
        assert (wiped, kept) == (0, height)
        assert height - 7 <= rolled_back <= height - 4

    on_stage(play, backups=True)


def test_a_paused_node_takes_nothing_until_both_pauses_are_over() -> None:
    async def play(theatre: Theatre) -> None:
        stage = theatre.stage
        await trio.sleep(3.0)
        await stage.begin(act(Pause(), "n1"))
        await stage.begin(act(Pause(), "n1", name="other"))
        assert await stage.end("act") == Undone(1, clean=True)
        assert await stage.offer("n1", [b"anything"]) is None
        assert await stage.end("other") == Undone(1, clean=True)
        refused = await stage.offer("n1", [b"anything"])
        assert refused is not None
        assert refused[0]

    on_stage(play)


def test_a_cut_hits_what_would_have_passed_and_leaves_nothing() -> None:
    async def play(theatre: Theatre) -> None:
        stage = theatre.stage
        await trio.sleep(3.0)
        await stage.begin(act(Partition(), "n1", to=("n2", "n3")))
        await stage.begin(act(Delay(by_ms=50), "n3", name="slow"))
        await trio.sleep(10.0)
        assert len({standing.head for standing in await stage.look()}) > 1
        for name in ("act", "slow"):
            undone = await stage.end(name)
            assert undone.hits > 0
            assert undone.clean
        await trio.sleep(10.0)
        heights = [standing.height for standing in await stage.look()]
        assert max(heights) - min(heights) <= 1

    on_stage(play)


def test_mistakes_are_put_right_at_the_end() -> None:
    async def play(theatre: Theatre) -> None:
        stage, (first, second, _) = theatre.stage, theatre.machines
        genesis, config = first.genesis, second.config
        await trio.sleep(3.0)
        await stage.begin(act(WrongGenesis(), "n1"))
        await stage.begin(act(StaleConfig(), "n2", name="stale"))
        assert first.genesis.network != genesis.network
        assert second.config.bootstrap != config.bootstrap
        await stage.end("act")
        await stage.end("stale")
        assert (first.genesis, second.config) == (genesis, config)

    on_stage(play)


@pytest.mark.parametrize("kind", [CrashLoop(every_ms=2_000), SlowCpu(share=0.5)])
def test_what_goes_on_by_itself_ends_with_its_act(kind: Kind) -> None:
    async def play(theatre: Theatre) -> None:
        stage = theatre.stage
        await trio.sleep(2.0)
        await stage.begin(act(kind, "n3"))
        await trio.sleep(5.0)  # not the moment of a death
        undone = await stage.end("act")
        assert undone.hits >= 3
        assert undone.clean
        before = len(theatre.record.seen)
        await trio.sleep(6.0)
        told = [type(seen.fact).__name__ for seen in theatre.record.seen[before:]]
        assert "NodeStopped" not in told
        assert (await stage.look())[2].running

    on_stage(play)


def test_ending_what_is_not_in_force_is_harmless() -> None:
    async def play(theatre: Theatre) -> None:
        assert await theatre.stage.end("nothing") == Undone(0, clean=True)

    on_stage(play)


def test_what_needs_real_sockets_is_refused_and_says_where_it_works() -> None:
    async def play(theatre: Theatre) -> None:
        with pytest.raises(Unfit, match="needs real sockets: use `testnet run`"):
            await theatre.stage.begin(act(SlowClient(), "n1"))

    on_stage(play)
