"""The router: takes every fact to the one engine it concerns, and introduces engines to each other.

Engines never call one another. What one learns that another needs (a block imported, transactions
returned by a reorganisation, a peer banned) passes here. The router also keeps the scores, so that
enough `Penalize` becomes one `Disconnect` and a timed ban.
"""

import random
from dataclasses import dataclass, field
from itertools import count

from chain.consensus.engine import Author
from chain.ledger import (
    BlockConnected,
    BlockDisconnected,
    CertificateFound,
    EvidenceFound,
    HeadChanged,
    Ledger,
    LedgerEvent,
    TransactionAdded,
    TransactionDropped,
)
from chain.primitives.errors import Refusal
from chain.primitives.hashing import Hash
from chain.voting import Voter
from p2p.peers.addressbook import AddressBook
from p2p.peers.peer import PeerId
from p2p.peers.score import POINTS_FLOOD, POINTS_UNREADABLE, Offence, ScoreBoard
from p2p.peers.usefulness import Use, Usefulness
from p2p.progress import likely_height
from p2p.protocol.ballots import Ballots
from p2p.protocol.blocks import BlockExchange
from p2p.protocol.discovery import Acquaintances, Connected, Discovery, DiscoverySettings
from p2p.protocol.effects import (
    Answer,
    CheckSignatures,
    Count,
    Credit,
    Disconnect,
    Effect,
    Notify,
    Penalize,
)
from p2p.protocol.gossip import Gossip, GossipSettings
from p2p.protocol.instant import Now
from p2p.protocol.intake import Imported, Intake
from p2p.protocol.lightserving import LightServer, is_light
from p2p.protocol.pace import MESSAGES_RATE, Pace
from p2p.protocol.production import Production, Surroundings
from p2p.protocol.recent import RecentTransactions
from p2p.protocol.relay import Relay
from p2p.protocol.reporting import Reporting
from p2p.protocol.sync import HeaderSync
from p2p.protocol.voting import Voting
from p2p.protocol.wanted import Wanted
from p2p.wire.messages import (
    AnnounceBlock,
    AnnounceShort,
    AnnounceTransactions,
    Blocks,
    BlockTransactions,
    Certificates,
    CompactBlock,
    Differ,
    Eager,
    Final,
    GetBlocks,
    GetBlockTransactions,
    GetCompactBlock,
    GetFinal,
    GetHeaders,
    GetPeers,
    GetShort,
    GetTransactions,
    Goodbye,
    Headers,
    Hello,
    Message,
    Peers,
    Ping,
    Pong,
    PreferBlocks,
    Reconcile,
    ShortKey,
    Transactions,
    Votes,
)

OWN_TICKET = 0  # of transactions that the node itself submits; clients' tickets count from 1


@dataclass(frozen=True, slots=True)
class RouterParts:
    """What the engines share: the ledger, who we are as an author, whom we know, chance."""

    ledger: Ledger
    author: Author | None
    book: AddressBook
    discovery: DiscoverySettings
    rng: random.Random
    gossip: GossipSettings = field(default_factory=GossipSettings)
    voter: Voter | None = None


class Router:
    """All engines behind one face. Every method returns what the node is to do, in order."""

    def __init__(self, parts: RouterParts) -> None:
        jobs = count(1)
        wanted = Wanted()
        alone = not parts.discovery.bootstrap
        self._ledger = parts.ledger
        self._wanted = wanted
        self._scores = ScoreBoard()
        self.uses = Usefulness()
        known = Acquaintances(parts.book, self._scores, self.uses)
        self._discovery = Discovery(parts.discovery, known, parts.rng)
        recent = RecentTransactions()
        self._gossip = Gossip(parts.ledger, parts.gossip, jobs, parts.rng, recent)
        self._sync = HeaderSync(parts.ledger, wanted)
        self._blocks = BlockExchange(
            parts.ledger,
            wanted,
            Intake(parts.ledger, wanted, jobs),
            Relay(parts.ledger, recent, parts.rng),
            recent,
        )
        self._production = Production(parts.ledger, parts.author, alone=alone)
        self._ballots = Ballots(parts.ledger, jobs)
        self._voting = Voting(parts.ledger, parts.voter, self._ballots, alone=alone)
        self._reporting = Reporting(parts.ledger, parts.author)
        self._lights = LightServer(parts.ledger)
        self._light: dict[PeerId, None] = {}  # the peers that follow finality only
        self._paces: dict[PeerId, Pace] = {}
        self._gossip_jobs: set[int] = set()
        self._leaving: set[PeerId] = set()

    def connected(self, new: Connected, now: Now) -> list[Effect]:
        """A peer passed the hello."""
        self._lights.connected(new.peer, now)
        light = is_light(new.hello)
        self._paces[new.peer] = Pace(now, light=light)
        self.uses.connected(new.peer)
        if light:
            self._light[new.peer] = None
            return []
        effects = self._discovery.connected(new, now)
        height, head, outbound = new.hello.height, new.hello.head, new.outbound
        effects += self._sync.connected(new.peer, height, head, now, outbound=outbound)
        effects += self._blocks.connected(new.peer, now, outbound=outbound)
        gossip = self._gossip.connected(new.peer, new.group, now, outbound=outbound)
        effects += self._from_gossip(gossip)
        effects += self._ballots.connected(new.peer, now)
        return self._finish(effects, now)

    def disconnected(
        self, peer: PeerId, now: Now, malformed: Refusal | None = None
    ) -> list[Effect]:
        """A peer's connection ended, for whatever reason; `malformed`: over a frame that is none.

        That gives points. *Why:* whoever sends what nobody can read may come back at once, each
        time for the price of our handshake, and would never be named.
        """
        effects: list[Effect] = []
        if malformed is not None:
            effects.append(Penalize(peer, POINTS_UNREADABLE, malformed.code, malformed.reason))
        self._lights.disconnected(peer)
        self.uses.disconnected(peer)
        self._leaving.discard(peer)
        del self._paces[peer]
        if peer in self._light:
            del self._light[peer]
            return self._finish(effects, now)
        effects += self._discovery.disconnected(peer, now)
        effects += self._sync.disconnected(peer, now)
        effects += self._blocks.disconnected(peer, now)
        self._ballots.disconnected(peer)
        effects += self._from_gossip(self._gossip.disconnected(peer, now))
        return self._finish(effects, now)

    def receive(self, peer: PeerId, message: Message, now: Now) -> list[Effect]:
        """One message from a connected peer; ignored once the peer has been told to leave."""
        if peer in self._leaving:
            return []
        if not self._paces[peer].allows(message, now):
            reason = f"more than {MESSAGES_RATE:.0f} messages a second"
            return self._finish([Penalize(peer, POINTS_FLOOD, "flood", reason)], now)
        if isinstance(message, GetFinal):
            return self._lights.receive(peer, message, now)
        if peer in self._light:
            return [Count("ignored", "from-light")]
        return self._finish(self._dispatch(peer, message, now), now)

    def submit(self, ticket: int, raws: list[bytes], now: Now) -> list[Effect]:
        """Transactions of a local client; an `Answer` with this ticket follows."""
        return self._finish(self._from_gossip(self._gossip.submit(ticket, raws, now)), now)

    def signatures_checked(self, job: int, verdicts: list[bool], now: Now) -> list[Effect]:
        """The verdicts a `CheckSignatures` asked for."""
        if job in self._gossip_jobs:
            self._gossip_jobs.discard(job)
            effects = self._from_gossip(self._gossip.signatures_checked(job, verdicts, now))
        elif self._ballots.checks(job):
            effects = self._ballots.signatures_checked(job, verdicts, now)
        else:
            effects = self._blocks.signatures_checked(job, verdicts, now)
        return self._finish(effects, now)

    def dial_failed(self, address: str, now: Now) -> list[Effect]:
        """A `Dial` did not become a connection."""
        return self._discovery.dial_failed(address, now)

    def dialled_known(self, address: str, peer: PeerId, now: Now) -> list[Effect]:
        """A `Dial` reached a peer that is connected already; the new link was closed."""
        return self._discovery.dialled_known(address, peer, now)

    def dialled_self(self, address: str, now: Now) -> list[Effect]:
        """A `Dial` reached this very node."""
        return self._discovery.dialled_self(address, now)

    def deadline_s(self) -> float | None:
        """When `tick` is next needed, in monotonic seconds; the past means at once."""
        times = (
            self._discovery.deadline_s(),
            self._gossip.deadline_s(),
            self._sync.deadline_s(),
            self._blocks.deadline_s(),
            self._production.deadline_s(),
            self._voting.deadline_s(),
            self._ballots.deadline_s(),
            self._reporting.deadline_s(),
        )
        return min([time for time in times if time is not None], default=None)

    def tick(self, now: Now) -> list[Effect]:
        """Time has passed: whatever is due in any engine."""
        effects = self._voting.tick(now, self._around(now))
        effects += self._ballots.tick(now)
        effects += self._produce(now)
        effects += self._blocks.tick(now)
        effects += self._from_gossip(self._gossip.tick(now))
        wanted = len(self._wanted)
        effects += self._sync.tick(now)
        if len(self._wanted) > wanted:
            effects += self._blocks.fetch(now)
        effects += self._discovery.tick(now)
        report = self._reporting.tick(now)
        if report is not None:
            effects += self._from_gossip(self._gossip.submit(OWN_TICKET, [report], now))
        return self._finish(effects, now)

    def ban_s(self, peer: PeerId, now: Now) -> float:
        """Seconds a peer is still banned for, 0 if it is welcome."""
        return self._scores.banned_for_s(peer, now.s)

    def points(self, peer: PeerId, now: Now) -> int:
        """A peer's misbehaviour points."""
        return self._scores.points(peer, now.s)

    def anchors(self, now: Now) -> tuple[PeerId, ...]:
        """The peers to dial first after a restart."""
        return self._discovery.anchors(now)

    def claim(self, peer: PeerId) -> tuple[int, Hash] | None:
        """The height and head a peer has last shown."""
        return self._wanted.claims.get(peer)

    @property
    def eager(self) -> tuple[PeerId, ...]:
        """The peers asked to push transactions to us."""
        return self._gossip.eager

    @property
    def voting(self) -> bool:
        """Whether our authority's votes are signed here."""
        return self._voting.active

    def syncing(self, now: Now) -> bool:
        """Whether blocks above our head are wanted and have been coming."""
        return self._wanted.catching_up(self._ledger.head.weight, now.s)

    def likely_height(self) -> int:
        """Where the chain that the peers have probably ends; see `progress`."""
        shown = max(self._ledger.head.height, self._wanted.top())
        return likely_height([height for height, _ in self._wanted.claims.values()], shown)

    def _dispatch(self, peer: PeerId, message: Message, now: Now) -> list[Effect]:
        match message:
            case (
                AnnounceTransactions()
                | GetTransactions()
                | Transactions()
                | Eager()
                | ShortKey()
                | AnnounceShort()
                | GetShort()
                | Reconcile()
                | Differ()
            ):
                return self._from_gossip(self._gossip.receive(peer, message, now))
            case AnnounceBlock() | GetHeaders() | Headers():
                effects = self._sync.receive(peer, message, now)
                return effects + self._blocks.fetch(now)
            case CompactBlock():
                effects = self._sync.receive(peer, message, now)
                return effects + self._blocks.receive(peer, message, now)
            case GetBlocks() | Blocks() | GetCompactBlock() | PreferBlocks():
                return self._blocks.receive(peer, message, now)
            case GetBlockTransactions() | BlockTransactions():
                return self._blocks.receive(peer, message, now)
            case Votes() | Certificates():
                return self._ballots.receive(peer, message, now)
            case GetPeers() | Peers():
                return self._discovery.receive(peer, message, now)
            case GetFinal() | Final():
                return [Count("ignored", "final")]
            case Hello() | Goodbye() | Ping() | Pong():
                return [Count("ignored", "control-message")]

    def _produce(self, now: Now) -> list[Effect]:
        imported = self._production.tick(now, self._around(now))
        return [] if imported is None else self._blocks.produced(imported, now)

    def _around(self, now: Now) -> Surroundings:
        peers = len(self._paces) - len(self._light)
        return Surroundings(peers, self.syncing(now), self._sync.asking)

    def _from_gossip(self, effects: list[Effect]) -> list[Effect]:
        self._gossip_jobs.update(e.job for e in effects if isinstance(e, CheckSignatures))
        return effects

    def _finish(self, effects: list[Effect], now: Now) -> list[Effect]:
        """Pass on what reached the ledger, then turn penalties into verdicts."""
        for outcome in self._blocks.take_outcomes():
            if isinstance(outcome, Imported):
                effects += self._ledger_changed(outcome.events, now, by_block=True)
                if outcome.source is not None and outcome.events:
                    self.uses.credit(outcome.source, Use.BLOCK, now.s)
        while events := self._ballots.take_events():
            effects += self._ledger_changed(tuple(events), now, by_block=False)
            effects += self._blocks.head_moved(now)
        for peer, message in self._blocks.take_ripe():
            if peer not in self._leaving:
                effects += self._dispatch(peer, message, now)
        effects = self._keep(effects, now)
        penalties = [effect for effect in effects if isinstance(effect, Penalize)]
        for penalty in penalties:
            effects += self._punish(penalty, now)
        return effects

    def _keep(self, effects: list[Effect], now: Now) -> list[Effect]:
        """Take out what is the router's own: credits, and answers to its own transactions."""
        passed: list[Effect] = []
        for effect in effects:
            match effect:
                case Credit(peer, use):
                    self.uses.credit(peer, use, now.s)
                case Answer(ticket, results) if ticket == OWN_TICKET:
                    passed += [Count("evidence", result.code) for result in results]
                case _:
                    passed.append(effect)
        return passed

    def _ledger_changed(
        self, events: tuple[LedgerEvent, ...], now: Now, *, by_block: bool
    ) -> list[Effect]:
        """Gossip must follow what blocks, votes and reorganisations did to the mempool."""
        effects: list[Effect] = []
        for event in events:
            match event:
                case BlockConnected():
                    self._gossip.included(event.transactions)
                case BlockDisconnected():
                    self._gossip.excluded()
                case TransactionAdded(txid):
                    self._gossip.returned(txid, now)
                case TransactionDropped(txid):
                    self._gossip.dropped(txid)
                case HeadChanged(depth=depth):
                    if depth:
                        effects.append(Count("reorganisations", "blocks-left", depth))
                    effects += self._voting.head_moved(now, self._around(now))
                case CertificateFound(certificate):
                    effects += self._ballots.certified(certificate, spread=not by_block)
                case EvidenceFound(evidence):
                    self._reporting.found(evidence, now)
            effects.append(Notify(event))
        return effects

    def _punish(self, penalty: Penalize, now: Now) -> list[Effect]:
        offence = Offence(penalty.points, penalty.code, penalty.reason)
        verdict = self._scores.penalize(penalty.peer, offence, now.s)
        effects: list[Effect] = [Count("penalty", penalty.code)]
        if verdict.banned and penalty.peer in self._paces and penalty.peer not in self._leaving:
            self._leaving.add(penalty.peer)
            reason = f"{verdict.points} points; last: {penalty.code}, {penalty.reason}"
            effects.append(Disconnect(penalty.peer, "banned", reason))
        return effects
