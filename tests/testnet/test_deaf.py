"""Ctrl-C while a worker process is being started."""

import signal

import pytest
import trio

from testnet.deaf import interrupt_held


def test_an_interrupt_takes_effect_when_the_block_has_ended() -> None:
    done: list[str] = []

    def interrupted() -> None:
        with interrupt_held():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done == ["all of it"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_who_is_not_interrupted_is_left_alone() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt_held():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


async def test_a_thread_has_nothing_to_hold() -> None:
    def work() -> str:
        with interrupt_held():
            return "done"

    assert await trio.to_thread.run_sync(work) == "done"
