"""Whether a silent peer is gone: conversations with the clock."""

from p2p.net.liveness import LATE_S, LOOK_S, REFRESH_LOOKS, SILENT_LOOKS_MAX, Liveness


def looks(live: Liveness, count: int, start_s: float = 0.0, *, reading: bool = True) -> float:
    now_s = start_s
    for _ in range(count):
        now_s += LOOK_S
        live.look(now_s, reading=reading)
    return now_s


def test_a_silent_peer_is_pinged_then_gone() -> None:
    live = Liveness(0)
    assert not live.look(LOOK_S, reading=True), "it was heard when it connected"
    for number in range(1, SILENT_LOOKS_MAX + 1):
        assert not live.gone
        assert live.look((number + 1) * LOOK_S, reading=True)
    assert live.gone


def test_anything_heard_starts_the_count_again() -> None:
    live = Liveness(0)
    now_s = looks(live, SILENT_LOOKS_MAX)
    live.heard()
    now_s = looks(live, SILENT_LOOKS_MAX, now_s)
    assert not live.gone
    looks(live, 1, now_s)
    assert live.gone


def test_silence_while_we_did_not_read_is_our_own() -> None:
    live = Liveness(0)
    looks(live, 100, reading=False)
    assert not live.gone


def test_silence_while_we_were_paused_is_our_own() -> None:
    live = Liveness(0)
    now_s = looks(live, SILENT_LOOKS_MAX)
    for _ in range(10):
        now_s += LOOK_S + LATE_S + 0.1
        live.look(now_s, reading=True)
        assert not live.gone
    looks(live, 1, now_s)
    assert live.gone


def test_a_talking_peer_is_pinged_now_and_then_for_its_latency() -> None:
    live = Liveness(0)
    pings = []
    for number in range(1, 2 * REFRESH_LOOKS + 1):
        live.heard()
        pings.append(live.look(number * LOOK_S, reading=True))
    assert pings.count(True) == 2


def test_only_the_latest_ping_measures() -> None:
    live = Liveness(0)
    assert live.latency_ms is None
    live.asked(7, 1.0)
    live.asked(8, 2.0)
    live.answered(7, 2.5)
    assert live.latency_ms is None
    live.answered(8, 2.25)
    live.answered(8, 9.0)
    assert live.latency_ms == 250
