"""Which tier supports which fault, as the documentation says it."""

from testnet.faults.kinds import KINDS
from testnet.faults.tiers import ENGINE, NO_SOCKETS, NOTES, note, supports, tiers_of
from testnet.scenario.model import Tier


def test_the_process_tier_supports_everything() -> None:
    assert all(supports(Tier.PROCESS, kind) for kind in KINDS.values())


def test_virtual_time_supports_all_that_needs_no_socket() -> None:
    lacking = [name for name, kind in KINDS.items() if not supports(Tier.NODE, kind)]
    assert lacking == ["client.slow-reader"] == [kind.NAME for kind in NO_SOCKETS]


def test_the_engine_tier_supports_what_routers_feel() -> None:
    able = [name for name, kind in KINDS.items() if supports(Tier.ENGINE, kind)]
    assert sorted(able) == sorted(kind.NAME for kind in ENGINE)
    assert not any(name.startswith(("disk.", "clock.", "operator.", "client.")) for name in able)


def test_tiers_are_told_in_order() -> None:
    assert tiers_of(KINDS["link.delay"]) == (Tier.NODE, Tier.ENGINE, Tier.PROCESS)
    assert tiers_of(KINDS["clock.step"]) == (Tier.NODE, Tier.PROCESS)


def test_notes_are_about_what_a_tier_can_do() -> None:
    assert all(supports(tier, kind) for kind, tier in NOTES)
    assert note(KINDS["disk.power-cut"], Tier.PROCESS)
    assert not note(KINDS["disk.power-cut"], Tier.NODE)
