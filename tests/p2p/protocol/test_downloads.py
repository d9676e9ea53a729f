"""Who is asked for which body: shares, stealing, stalls; and a naive account of all of it."""

import itertools
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.consensus.engine import HeaderNode
from chain.primitives.hashing import Hash
from p2p.peers.peer import PeerId
from p2p.protocol import downloads
from p2p.protocol.downloads import Downloads
from p2p.protocol.effects import Disconnect, Effect, Send
from p2p.protocol.instant import Now
from p2p.protocol.wanted import Wanted
from p2p.wire.messages import GetBlocks
from tests.p2p.protocol.conversation import ANN, BOB, CAT, extend, make_ledger

CHAIN = [
    HeaderNode(block.header, block.seal, block.header.height, 0)
    for block in extend(make_ledger(), 80)
]
BODY_BYTES = 3_000
ROUND_TRIP_S = 0.05


@dataclass
class Download:
    """A download under test, with a naive account of who owes what."""

    length: int = len(CHAIN)
    s: float = 100.0
    owed: dict[tuple[PeerId, int], list[Hash]] = field(default_factory=dict)
    come: set[Hash] = field(default_factory=set)
    asked: Counter[Hash] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.wanted = Wanted()
        for node in CHAIN[: self.length]:
            self.wanted.add(node, ANN)
        self.downloads = Downloads(self.wanted)

    def connect(self, *peers: PeerId) -> None:
        for peer in peers:
            self.wanted.claim(peer, self.length, CHAIN[self.length - 1].id)
            self.downloads.connected(peer)

    def now(self) -> Now:
        return Now(self.s, 0)

    def fetch(self) -> list[tuple[PeerId, GetBlocks]]:
        return self._told(self.downloads.fetch(self.come.__contains__, self.now()))

    def _told(self, effects: list[Effect]) -> list[tuple[PeerId, GetBlocks]]:
        made: list[tuple[PeerId, GetBlocks]] = []
        for effect in effects:
            if isinstance(effect, Send) and isinstance(effect.message, GetBlocks):
                made.append((effect.peer, effect.message))
                self.owed[effect.peer, effect.message.request] = list(effect.message.ids)
                self.asked.update(effect.message.ids)
        return made

    def answer(self, peer: PeerId, request: int) -> None:
        """All that was asked for comes; what is first in the chain is imported."""
        for block_id in self.owed.pop((peer, request)):
            if self.downloads.arrived(peer, request, block_id, BODY_BYTES):
                self.come.add(block_id)
        self.downloads.progressed(peer, request, self.now())
        for node in CHAIN:
            if node.id in self.wanted:
                if node.id not in self.come:
                    break
                self.come.discard(node.id)
                self.wanted.imported(node.id, self.s)

    def drip(self, peer: PeerId, request: int) -> None:
        """The last block that has not come yet does; never the first."""
        waiting = self.owed[peer, request]
        if len(waiting) == 1:
            return
        block_id = waiting.pop()
        if self.downloads.arrived(peer, request, block_id, BODY_BYTES):
            self.come.add(block_id)
        self.downloads.progressed(peer, request, self.now())

    def answer_all(self, *peers: PeerId) -> None:
        for peer, request in list(self.owed):
            if peer in peers:
                self.answer(peer, request)

    def owed_by(self, peer: PeerId) -> list[Hash]:
        return [block_id for (of, _), ids in self.owed.items() if of == peer for block_id in ids]


def test_quick_peers_get_more_at_a_time_than_slow_ones() -> None:
    download = Download()
    download.connect(ANN, BOB)
    sizes: dict[PeerId, list[int]] = {ANN: [], BOB: []}
    while len(download.wanted):
        for turn in range(10):
            for peer, message in download.fetch():
                sizes[peer].append(len(message.ids))
            download.s += downloads.LONG_S / 8
            download.answer_all(*((ANN, BOB) if turn == 9 else (ANN,)))
    assert max(sizes[ANN]) > sizes[ANN][0]
    assert max(sizes[ANN]) > max(sizes[BOB])


def test_an_idle_peer_takes_over_what_holds_up_the_import() -> None:
    download = Download(length=6)
    download.connect(ANN)
    ((slow, first),) = [(peer, message) for peer, message in download.fetch()][:1]
    assert slow == ANN
    download.connect(BOB)
    assert all(peer != BOB for peer, _ in download.fetch())
    download.s += downloads.STEAL_S
    stolen = download.fetch()
    assert [peer for peer, _ in stolen] == [BOB]
    assert stolen[0][1].ids[: len(first.ids)] == first.ids
    download.answer(BOB, stolen[0][1].request)
    assert first.ids[0] not in download.wanted
    download.answer_all(ANN)
    assert len(download.wanted) == 0
    assert max(download.asked.values()) == 2


def test_two_that_send_a_block_before_each_stall_do_not_hold_up_the_import_for_ever() -> None:
    download = Download()
    download.connect(ANN, BOB)
    download.fetch()
    download.answer_all(ANN, BOB)  # at once: they get large shares
    download.fetch()
    download.s += downloads.STEAL_S
    download.answer_all(BOB)
    download.fetch()
    front = next(iter(download.wanted))
    assert (front.asked, front.helper) == (ANN, BOB)
    start = download.s
    download.connect(CAT)
    while front.header.id in download.wanted:
        for peer, request in list(download.owed):
            download.drip(peer, request)
        download.s += downloads.STALL_S - 0.1
        download.downloads.expire(download.now())
        download.fetch()
        download.answer_all(CAT)
    assert download.s - start <= downloads.WHOLE_S + downloads.STALL_S


def bodies_due(download: Download, peer: PeerId) -> int:
    """How many bodies would be taken from a peer now."""
    return next(count for count in itertools.count() if not download.downloads.is_due(peer))


def test_who_lets_requests_run_out_saves_up_no_bodies() -> None:
    download = Download()
    download.connect(ANN)
    asked = 0
    for _ in range(200):
        asked += sum(len(message.ids) for _, message in download.fetch())
        download.s += downloads.STALL_MAX_S + downloads.ROUND_S
        download.downloads.expire(download.now())
    assert asked > downloads.DUE_MAX
    assert bodies_due(download, ANN) == downloads.DUE_MAX


def test_large_bodies_that_nobody_asked_for_make_no_window_smaller() -> None:
    """The window follows what blocks weigh, and would be four blocks if they weighed this much."""
    download = Download()
    download.connect(ANN, BOB)
    for peer, message in download.fetch():
        for junk in range(downloads.SHARE_BLOCKS):
            unknown = Hash(bytes([junk]) * 32)
            assert not download.downloads.arrived(peer, message.request, unknown, 9 * 1024 * 1024)
    download.answer_all(ANN, BOB)
    made = download.fetch()
    assert sum(len(message.ids) for _, message in made) > 2 * downloads.WINDOW_MIN


def test_what_a_peer_says_it_lacks_is_not_due() -> None:
    download = Download()
    download.connect(ANN)
    (_, first), (_, second), *_ = download.fetch()
    assert download.downloads.is_due(ANN)
    download.downloads.arrived(ANN, first.request, first.ids[0], BODY_BYTES)
    download.downloads.ended(ANN, first.request)
    assert bodies_due(download, ANN) == len(second.ids)


def test_nothing_is_stolen_before_its_time() -> None:
    download = Download(length=6)
    download.connect(ANN, BOB)
    download.fetch()
    download.s += downloads.STEAL_S - 0.01
    assert download.fetch() == []


def test_a_stolen_block_that_only_the_slow_peer_has_still_comes() -> None:
    download = Download(length=4)
    download.connect(ANN)
    requests = download.fetch()
    download.connect(BOB)
    download.s += downloads.STEAL_S
    ((_, helping),) = download.fetch()
    download.owed.pop((BOB, helping.request))
    download.downloads.ended(BOB, helping.request)
    assert download.fetch() == []
    for peer, message in requests:
        download.answer(peer, message.request)
    assert len(download.wanted) == 0


def test_who_vanishes_while_another_helps_leaves_the_block_with_the_helper() -> None:
    download = Download(length=4)
    download.connect(ANN)
    download.fetch()
    download.connect(BOB)
    download.s += downloads.STEAL_S
    ((_, helping),) = download.fetch()
    download.downloads.disconnected(ANN)
    del download.wanted.claims[ANN]
    download.owed = {key: ids for key, ids in download.owed.items() if key[0] != ANN}
    assert download.fetch() == []
    download.answer(BOB, helping.request)
    assert len(download.wanted) == 0


PEERS = (ANN, BOB, CAT, PeerId(b"d" * 32))
MOVES = st.lists(
    st.tuples(st.sampled_from(("answer", "none", "vanish", "return", "wait")), st.integers(0, 3)),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(moves=MOVES)
def test_whatever_peers_do_the_account_is_right_and_one_honest_peer_is_enough(
    moves: list[tuple[str, int]],
) -> None:
    """Peer 0 is honest; the others answer, refuse, vanish, return and stall as drawn."""
    download = Download(length=40)
    download.connect(*PEERS)
    here = dict.fromkeys(PEERS, True)
    for move, number in moves:
        peer = PEERS[number]
        owed = [request for of, request in download.owed if of == peer]
        match move:
            case "answer" if owed:
                download.answer(peer, owed[0])
            case "none" if owed and number:
                download.owed.pop((peer, owed[0]))
                download.downloads.ended(peer, owed[0])
            case "vanish" if number and here[peer]:
                here[peer] = False
                download.downloads.disconnected(peer)
                del download.wanted.claims[peer]
                download.owed = {k: ids for k, ids in download.owed.items() if k[0] != peer}
            case "return" if not here[peer]:
                here[peer] = True
                download.connect(peer)
            case _:
                download.s += 0.3
        step(download, here)
    for _ in range(400):
        download.s += 0.3
        download.answer_all(ANN)
        step(download, here)
    assert len(download.wanted) == 0


def step(download: Download, here: dict[PeerId, bool]) -> None:
    """Time is noticed; whom the engine asks is connected and owes no more than it may."""
    download.downloads.expire(download.now())
    for peer, message in download.fetch():
        assert here[peer]
        assert 0 < len(message.ids) <= downloads.SHARE_BLOCKS_MAX
        assert len(set(message.ids)) == len(message.ids)
    for wanted in download.wanted:
        for who in (wanted.asked, wanted.helper):
            if who is not None:
                assert wanted.header.id in download.owed_by(who)


def test_the_window_is_bounded_in_bytes() -> None:
    download = Download()
    download.connect(*PEERS)
    download.fetch()
    for peer, request in list(download.owed):
        for block_id in download.owed.pop((peer, request)):
            download.downloads.arrived(peer, request, block_id, 8 * 1024 * 1024)
            download.come.add(block_id)
        download.downloads.progressed(peer, request, download.now())
    before = len(download.come)
    sizes = [len(message.ids) for _, message in download.fetch()]
    assert before + sum(sizes) <= before + downloads.WINDOW_MIN
    assert all(size == 1 for size in sizes)


@pytest.mark.parametrize("bad", [1, 2, 3])
def test_silent_peers_cost_seconds_and_not_the_whole_patience(bad: int) -> None:
    download = Download()
    download.connect(*PEERS)
    start = download.s
    while len(download.wanted):
        download.s += ROUND_TRIP_S
        download.downloads.expire(download.now())
        download.fetch()
        download.answer_all(*PEERS[bad:])
    assert download.s - start < downloads.STALL_S


def served_by(*serving: PeerId, seconds: float, noise: bool = False) -> list[Effect]:
    """What is done about peers of which only these serve, a block at a time, for so long; the rest
    is silent, or sends what nobody asked for."""
    download = Download()
    download.connect(ANN, BOB)
    effects: list[Effect] = []
    for _ in range(round(seconds)):
        download.s += 1.0
        effects += download.downloads.expire(download.now())
        download.fetch()
        for peer, request in list(download.owed)[:1]:
            if peer in serving:
                download.answer(peer, request)
                continue
            download.owed[peer, request] = download.owed.pop((peer, request))
            if noise:
                assert not download.downloads.arrived(peer, request, Hash(bytes(32)), BODY_BYTES)
                download.downloads.progressed(peer, request, download.now())
    return [effect for effect in effects if isinstance(effect, Disconnect)]


def test_who_serves_nothing_while_others_do_is_sent_away_in_the_end() -> None:
    assert served_by(BOB, seconds=downloads.UNSERVED_S - 1) == []
    (gone,) = served_by(BOB, seconds=downloads.UNSERVED_S + downloads.STALL_S)
    assert isinstance(gone, Disconnect)
    assert (gone.peer, gone.code) == (ANN, "unserved")


def test_bodies_that_nobody_asked_for_are_no_progress_and_no_service() -> None:
    download = Download(length=1)
    download.connect(ANN)
    ((_, message),) = download.fetch()
    deadline_s = download.downloads.deadline_s()
    download.s += downloads.STALL_S / 2
    assert not download.downloads.arrived(ANN, message.request, CHAIN[5].id, BODY_BYTES)
    download.downloads.progressed(ANN, message.request, download.now())
    assert download.downloads.deadline_s() == deadline_s

    (gone,) = served_by(BOB, seconds=downloads.UNSERVED_S + downloads.STALL_S, noise=True)
    assert isinstance(gone, Disconnect)
    assert (gone.peer, gone.code) == (ANN, "unserved")


def test_nobody_is_sent_away_while_nothing_comes_from_anybody() -> None:
    assert served_by(seconds=3 * downloads.UNSERVED_S) == []
