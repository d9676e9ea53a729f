"""The seeded scheduler, and a canary for the private hook it holds."""

import trio
import trio._core._run as trio_run

from testnet.simulation.scheduler import run_in_virtual_time


async def race() -> list[int]:
    """Twenty tasks that are ready together; the order in which they come through."""
    order: list[int] = []

    async def run(number: int) -> None:
        for _ in range(3):
            await trio.sleep(1)
            order.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(run, number)
    return order


def test_the_private_hook_is_where_we_expect_it() -> None:
    assert isinstance(trio_run._ALLOW_DETERMINISTIC_SCHEDULING, bool)
    assert hasattr(trio_run._r, "shuffle"), "trio has moved its generator: mend scheduler.py"


def test_the_order_of_tasks_follows_from_the_seed_alone() -> None:
    first = run_in_virtual_time(race, 1)
    assert run_in_virtual_time(race, 1) == first
    assert run_in_virtual_time(race, 2) != first


def test_the_hook_is_put_back() -> None:
    before = trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    run_in_virtual_time(race, 1)
    assert (trio_run._r, trio_run._ALLOW_DETERMINISTIC_SCHEDULING) == before


def test_waiting_costs_no_time() -> None:
    async def wait() -> float:
        await trio.sleep(86_400)
        return trio.current_time()

    assert run_in_virtual_time(wait, 1) == 86_400
