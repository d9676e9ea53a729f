"""What counts as a hasty attempt to connect."""

from testnet.redials import HASTE_S, Redials


def test_only_the_same_address_again_at_once_is_hasty() -> None:
    redials = Redials()
    for now_s, host, address in (
        (0.0, "n1", "a"),
        (0.01, "n1", "b"),
        (0.01, "n2", "a"),
        (HASTE_S, "n1", "a"),
    ):
        redials.dialled(host, address, now_s)
    assert (redials.of("n1"), redials.of("n2"), redials.of("n3")) == (0, 0, 0)
    redials.dialled("n1", "a", HASTE_S * 1.5)
    redials.dialled("n1", "a", HASTE_S * 1.6)
    assert (redials.of("n1"), redials.of("n2")) == (2, 0)
