"""The sleep whose end can be brought forward, in virtual time."""

import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from p2p.alarm import Alarm


@pytest.mark.parametrize(
    ("until_s", "moved_s", "wakes_s"),
    [
        (5.0, (), 5.0),
        (5.0, (3.0,), 3.0),
        (5.0, (7.0,), 5.0),  # never later
        (5.0, (3.0, 4.0), 3.0),
        (5.0, (None,), 5.0),
        (5.0, (-math.inf,), 1.0),  # what is past is now
        (None, (2.0,), 2.0),
        (0.5, (), 1.0),
    ],
)
async def test_it_rings_at_the_earliest_of_what_was_set(
    autojump_clock: MockClock,
    until_s: float | None,
    moved_s: tuple[float | None, ...],
    wakes_s: float,
) -> None:
    await trio.sleep(1)
    alarm, woken = Alarm(), list[float]()

    async def sleeper() -> None:
        await alarm.sleep_until(until_s)
        woken.append(trio.current_time())

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sleeper)
            if moved_s:
                await wait_all_tasks_blocked()
            for moved in moved_s:
                alarm.advance(moved)
    assert woken == [pytest.approx(wakes_s)]


async def test_bringing_the_end_forward_wakes_nobody_before(autojump_clock: MockClock) -> None:
    alarm, steps = Alarm(), list[float]()

    class Steps(trio.abc.Instrument):
        def before_task_step(self, task: trio.lowlevel.Task) -> None:
            if task.name.endswith("sleep_until"):
                steps.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(alarm.sleep_until, 9.0)
        await wait_all_tasks_blocked()
        trio.lowlevel.add_instrument(Steps())
        for moved_s in (8.0, 6.0, 4.0):
            alarm.advance(moved_s)
            await trio.sleep(1)
    assert steps == [pytest.approx(4.0)]


async def test_while_nobody_sleeps_nothing_is_kept(autojump_clock: MockClock) -> None:
    alarm = Alarm()
    alarm.advance(0.0)
    await alarm.sleep_until(2.0)
    alarm.advance(2.5)
    await alarm.sleep_until(4.0)
    assert trio.current_time() == pytest.approx(4.0)
