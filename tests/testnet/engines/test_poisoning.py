"""The study of a poisoned address book: what it measures, and that it is a function of its seed."""

from dataclasses import replace

from testnet.engines.poisoning import OUTBOUND, Poisoning, captivity

SHORT = Poisoning(honest=24, attack_s=600.0, settle_s=120.0)


def test_a_seed_gives_one_outcome() -> None:
    assert captivity(SHORT, 1) == captivity(SHORT, 1)
    assert captivity(SHORT, 1) != captivity(SHORT, 2)


def test_a_victim_with_a_poisoned_book_keeps_honest_peers_over_a_restart() -> None:
    for seed in range(1, 6):
        held = captivity(SHORT, seed)
        assert held.honest > 0
        assert held.outbound == held.groups == OUTBOUND
        assert held.known_attackers > 0.8


def test_without_attackers_everybody_is_honest() -> None:
    held = captivity(replace(SHORT, supply=0), 1)
    assert held.honest == held.outbound == OUTBOUND
    assert held.known_attackers == held.tried_attackers == 0
