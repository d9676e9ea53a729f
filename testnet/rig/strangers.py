"""Hostile identities of one machine: each shakes hands, says hello, and has its own aims after it.

They are real to whoever they meet: own keys, an own address that can be dialled, the real network's
hello. What they say about blocks is up to their manners.
"""

import random
from collections.abc import Callable

import trio

from chain.primitives.errors import Refusal
from chain.primitives.keys import KeyPair
from p2p.net.connection import Connection
from p2p.net.outbox import Waiting
from p2p.net.secure import secure
from p2p.net.transport import Link, LinkClosed
from p2p.peering import AGENT, CAPABILITIES, DIAL_S, HANDSHAKE_S
from p2p.wire.messages import PROTOCOL_VERSION, RECORDS_MAX, GetPeers, Hello, Message, Peers
from p2p.wire.records import sign_record
from testnet.rig.behaviour import Host
from testnet.rig.strays import SEED_BYTES

RETRY_S = 1.0
"""Before an identity that was sent away comes back."""

Answer = Callable[[Message], Message | None]
"""What an identity says to a message; None: nothing."""


class Gang:
    """What the identities of one machine share: their addresses, which they give to everyone.

    `met` is called for every hello that was answered with one.
    """

    def __init__(self, host: Host, answer: Answer, met: Callable[[], None]) -> None:
        self.host = host
        self.answer = answer
        self.met = met
        self.records: dict[bytes, bytes] = {}
        self.rng = random.Random(host.rng.getrandbits(64))

    def peers(self, request: int) -> Peers:
        """Nobody is known but ourselves."""
        records = list(self.records.values())
        return Peers(request, tuple(self.rng.sample(records, min(len(records), RECORDS_MAX))))


class Stranger:
    """One identity. `live` connects it to each of some addresses, and lets itself be dialled."""

    def __init__(self, gang: Gang) -> None:
        self._gang = gang
        self._host = gang.host
        self._identity = KeyPair.from_seed(gang.rng.randbytes(SEED_BYTES))
        self._record = b""

    async def live(self, addresses: list[str]) -> None:
        """Until cancelled."""
        scheme_and_host = self._host.address_of(self._host.name).rpartition(":")[0]
        try:
            listener = await self._host.transport.listen(f"{scheme_and_host}:0")
        except LinkClosed:
            return  # no port is left on this machine
        self._record = sign_record(
            self._identity,
            self._host.ledger.chain,
            (listener.address,),
            self._host.now().unix_ms,
            CAPABILITIES,
        ).raw
        self._gang.records[self._identity.public] = self._record
        try:
            async with trio.open_nursery() as nursery:
                for address in addresses:
                    nursery.start_soon(self._call_on, address)
                while True:
                    link = await listener.accept()
                    nursery.start_soon(self._serve, link, False)
        finally:
            del self._gang.records[self._identity.public]
            with trio.CancelScope(shield=True):
                await listener.aclose()

    async def _call_on(self, address: str) -> None:
        while True:
            link = None
            try:
                with trio.move_on_after(DIAL_S):
                    link = await self._host.transport.dial(address)
            except LinkClosed:
                link = None
            if link is not None:
                await self._serve(link, True)
            await trio.sleep(RETRY_S * self._gang.rng.uniform(0.5, 1.5))

    async def _serve(self, link: Link, initiator: bool) -> None:
        """One link's life."""
        connection = None
        try:
            with trio.move_on_after(HANDSHAKE_S):
                connection = await self._shake_hands(link, initiator)
        except (LinkClosed, Refusal):
            connection = None
        finally:
            if connection is None:
                with trio.CancelScope(shield=True):
                    await link.aclose()
        if connection is not None:
            self._gang.met()
            await self._converse(connection)

    async def _shake_hands(self, link: Link, initiator: bool) -> Connection:
        chain, rng = self._host.ledger.chain, self._gang.rng
        secured = await secure(link, self._identity, chain, rng, initiator=initiator)
        connection = Connection(secured, rng, Waiting())
        await connection.exchange(self._hello())
        return connection

    async def _converse(self, connection: Connection) -> None:
        async def receive(messages: list[Message]) -> None:
            for message in messages:
                if isinstance(message, GetPeers):
                    connection.send(self._gang.peers(message.request))
                elif (answer := self._gang.answer(message)) is not None:
                    connection.send(answer)

        await connection.run(receive)

    def _hello(self) -> Hello:
        ledger = self._host.ledger
        founding = ledger.block_id_at(0)
        assert founding is not None, "a chain has a first block"
        return Hello(
            version_min=PROTOCOL_VERSION,
            version_max=PROTOCOL_VERSION,
            network=ledger.genesis.network,
            genesis=ledger.chain,
            capabilities=CAPABILITIES,
            record=self._record,
            height=ledger.head.height,
            head=ledger.head.id,
            finalized_height=0,
            finalized=founding,
            agent=AGENT,
        )
