"""Subscribers get every event in order, and a slow one is let go with notice."""

import pytest

from p2p.events import PeerDisconnected, SubscriptionDropped
from p2p.peers.peer import PeerId
from p2p.subscription import EVENTS_MAX, EventHub


def event(number: int) -> PeerDisconnected:
    return PeerDisconnected(PeerId(bytes(32)), str(number))


async def test_each_subscriber_sees_events_from_its_start_on() -> None:
    hub = EventHub()
    hub.publish(event(0))
    async with hub.subscribe() as first:
        hub.publish(event(1))
        async with hub.subscribe() as second:
            hub.publish(event(2))
            assert await anext(first) == event(1)
            assert await anext(first) == event(2)
            assert await anext(second) == event(2)
        hub.publish(event(3))
        assert await anext(first) == event(3)


async def test_a_slow_subscriber_is_dropped_with_notice_and_others_are_not() -> None:
    hub = EventHub()
    async with hub.subscribe() as slow, hub.subscribe() as quick:
        for number in range(EVENTS_MAX + 5):
            hub.publish(event(number))
            assert await anext(quick) == event(number)
        received = [await anext(slow) for _ in range(EVENTS_MAX)]
        assert received[-1] == event(EVENTS_MAX - 1)
        notice = await anext(slow)
        assert isinstance(notice, SubscriptionDropped)
        assert notice.limit == EVENTS_MAX
        with pytest.raises(StopAsyncIteration):
            await anext(slow)
