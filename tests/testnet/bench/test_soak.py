"""A soak's eyes: what a node holds by name, and whether a series of samples rises."""

from collections import deque

from chain.genesis import Genesis
from chain.ledger import Ledger
from p2p.peers.addressbook import AddressBook
from testnet.bench.holdings import holdings
from testnet.bench.metered import MeteredLedger
from testnet.bench.sizes import Mint
from testnet.bench.trend import trend
from testnet.founding import make_genesis
from testnet.spec import LaunchSpec

SPEC = LaunchSpec("bench", nodes=2)
GENESIS: Genesis = make_genesis(SPEC, 60_000)


def test_what_a_ledger_holds_is_found_by_name() -> None:
    ledger: Ledger = MeteredLedger(GENESIS)
    before = holdings(ledger)
    mint = Mint(SPEC, GENESIS, 250)
    for _ in range(3):
        ledger.submit(mint.make(0), 1)
    after = holdings(ledger)
    assert after["mempool.pending"] - before["mempool.pending"] == 3
    assert after["signatures"] - before["signatures"] == 3
    assert after["mempool.lanes[].pending"] == 3
    assert not [name for name in after if name.endswith(".store")]


def test_tables_within_tables_are_added_up_and_circles_end() -> None:
    book = AddressBook.__new__(AddressBook)
    ring: deque[object] = deque([1, 2])
    book._one = {"a": [1, 2, 3], "b": [4], "c": ring}  # type: ignore[attr-defined]
    book._self = book  # type: ignore[attr-defined]
    assert holdings(book) == {"one": 3, "one[]": 6}


def test_a_series_that_fills_and_then_stands_is_flat_and_one_that_goes_on_is_not() -> None:
    at_s = [900.0 * step for step in range(40)]
    filled = [min(100.0, 20.0 * step) + step % 2 for step in range(40)]
    assert trend(at_s, filled).flat(1.0)
    leaking = [100.0 + step for step in range(40)]
    found = trend(at_s, leaking)
    assert round(found.per_hour, 6) == 4.0
    assert not found.flat(1.0)
