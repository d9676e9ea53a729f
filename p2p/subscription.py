"""The node's event stream: bounded for each subscriber, and a slow one is let go with notice."""

from types import TracebackType

import trio

from p2p.events import NodeEvent, SubscriptionDropped

# A block connects with one event and each of its transactions may bring one more: this is several
# full blocks, some hundred kilobytes, and all a stuck reader can cost.
EVENTS_MAX = 4096


class Subscription:
    """One subscriber's bounded queue, read with `async for`.

    When the reader falls EVENTS_MAX behind it gets what was queued, then `SubscriptionDropped`,
    then the end. Leaving the `async with` block unsubscribes.
    """

    def __init__(self, hub: "EventHub") -> None:
        self._hub = hub
        self._send, self._receive = trio.open_memory_channel[NodeEvent](EVENTS_MAX)
        self._notice: SubscriptionDropped | None = None

    async def __aenter__(self) -> "Subscription":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hub.forget(self)
        self._send.close()
        self._receive.close()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> NodeEvent:
        try:
            return await self._receive.receive()
        except trio.EndOfChannel:
            notice, self._notice = self._notice, None
            if notice is None:
                raise StopAsyncIteration from None
            return notice

    def offer(self, event: NodeEvent) -> bool:
        """Queue an event; False when the subscriber is too slow and has been let go."""
        try:
            self._send.send_nowait(event)
        except trio.WouldBlock:
            self._notice = SubscriptionDropped(EVENTS_MAX, f"{EVENTS_MAX} events were not read")
            self._send.close()
            return False
        return True


class EventHub:
    """Hands each event to every subscriber without waiting for any of them."""

    def __init__(self) -> None:
        self._subscriptions: dict[int, Subscription] = {}

    def subscribe(self) -> Subscription:
        """A new subscriber, which sees events from now on."""
        subscription = Subscription(self)
        self._subscriptions[id(subscription)] = subscription
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Stop feeding the subscriber; unknown ones are ignored, leaving twice is harmless."""
        self._subscriptions.pop(id(subscription), None)

    def publish(self, event: NodeEvent) -> None:
        """Offer the event to all, dropping those that have fallen too far behind."""
        for subscription in list(self._subscriptions.values()):
            if not subscription.offer(event):
                self.forget(subscription)
