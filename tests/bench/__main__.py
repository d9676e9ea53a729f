"""`python -m tests.bench [PART ...]`: every figure in one run, beside the machine's own limit."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import mean

from testnet.bench.machine import measure_verify_limit
from tests.bench.attacks import measure_attacks
from tests.bench.blocks import BlockFigure, measure_cities, wholly
from tests.bench.blocks_live import measure_live
from tests.bench.devnet import measure_devnet
from tests.bench.eclipse import measure_poisonings, measure_small_sieges
from tests.bench.engines import measure_block, measure_gossip, measure_harness, measure_sieges
from tests.bench.finality import AUTHORITIES, RATE, measure_finality
from tests.bench.hundred import measure_crowd
from tests.bench.import_blocks import measure_import
from tests.bench.light import measure_light
from tests.bench.lossy_link import PLAN, measure_lossy_link, permitted
from tests.bench.network import measure_load, measure_start
from tests.bench.receipts import ReceiptFigure, measure_receipts
from tests.bench.receipts_live import measure_live_receipts
from tests.bench.state_size import measure_state
from tests.bench.sync import measure_sync
from tests.bench.trials import measure_trials
from tests.bench.twins import measure_twins
from tests.bench.voter_kills import measure_kills
from tests.bench.voter_kills_live import measure_live_kills


def say(line: str) -> None:
    print(line, flush=True)


def bench_import() -> None:
    """Block import against what two threads of libsodium could do."""
    limit = measure_verify_limit()
    say(
        f"raw Ed25519 verifications: {limit.one_thread:,.0f}/s on one thread, "
        f"{limit.two_threads:,.0f}/s on two"
    )
    for accounts in (1_000, 20_000):
        with tempfile.TemporaryDirectory() as folder:
            figure = measure_import(accounts, Path(folder))
        say(
            f"block import, {accounts:,} accounts: {figure.transactions_per_s:,.0f} tx/s, "
            f"ratio {figure.transactions_per_s / limit.two_threads:.2f} to the two-thread limit; "
            f"{figure.without_signatures_us:.0f} us/tx without signatures"
        )


def bench_state() -> None:
    """State updates and start-up as the state grows."""
    for accounts in (1_000, 10_000, 100_000, 1_000_000):
        with tempfile.TemporaryDirectory() as folder:
            figure = measure_state(accounts, Path(folder))
        say(
            f"state, {accounts:>9,} accounts: {figure.updates_per_s:,.0f} updates/s, "
            f"opened in {figure.open_ms:.0f} ms, {figure.memory_mb:.0f} MB while updating"
        )


def bench_start() -> None:
    """Testnets from the command to a common block."""
    for nodes in (8, 20, 50):
        figure = measure_start(nodes)
        say(
            f"testnet of {nodes}: ready in {figure.ready_s:.2f} s, {figure.unique_mb:.1f} MB a node"
        )


def bench_load() -> None:
    """Four nodes under load."""
    for rate in (500, 1_000):
        figure = measure_load(4, rate, 20)
        say(
            f"4 nodes at {rate}/s: {figure.included} of {figure.submitted} included, "
            f"{figure.transactions_per_s:,.0f} tx/s, inclusion p50 {figure.p50_ms:,.0f} ms, "
            f"p99 {figure.p99_ms:,.0f} ms; {figure.cpu_ms:.2f} ms CPU per transaction per node, "
            f"{figure.resident_mb:.0f} MB resident a node"
        )


def bench_devnet() -> None:
    """One node, ten thousand transfers over its API."""
    figure = measure_devnet()
    say(
        f"devnet: {figure.transactions:,} transfers over the API at "
        f"{figure.transactions_per_s:,.0f} tx/s, {figure.cpu_ms:.2f} ms CPU each, "
        f"{figure.resident_mb:.0f} MB resident"
    )


def bench_sync() -> None:
    """A node joins a chain of twenty thousand blocks from three honest peers and three bad ones."""
    figure = measure_sync()
    joined = figure.joined
    count = figure.shape.transactions
    say(
        f"sync: {figure.shape.blocks:,} blocks with {count:,} transactions from 3 honest, "
        f"1 stalling, 1 lying and 1 slow peer in {joined.took_s:.0f} s: "
        f"{figure.blocks_per_s:,.0f} blocks/s, {figure.transactions_per_s:,.0f} tx/s, "
        f"ratio {figure.ratio:.2f} to the two-thread limit of {figure.limit:,.0f}/s"
    )
    say(
        f"sync: {joined.cpu_s / count * 1e6:.0f} us processor time a transaction, "
        f"{joined.loop_cpu_s / count * 1e6:.0f} of them on the loop, which was never later than "
        f"{joined.lag_max_s * 1000:.0f} ms ({joined.lag_cpu_max_s * 1000:.0f} ms of work)"
    )
    told = sorted(key for key in joined.totals if key[0] in ("penalty", "stalled", "stolen"))
    named = ", ".join(f"{what} {why} {joined.totals[what, why]}" for what, why in told)
    say(f"sync: blamed and passed over: {named}")


def bench_engines() -> None:
    """Thousands of routers on one heap, on the latencies of 28 cities."""
    say(f"engines, the harness alone: {measure_harness():.1f} us a message")
    for what, figure in (("block", measure_block()), ("transactions", measure_gossip())):
        spread = figure.spread
        say(
            f"engines, {what}: reached {spread.reached:,} times over {spread.links:,} links, "
            f"p50 {spread.delays.p50:,.0f} ms, p90 {spread.delays.p90:,.0f}, "
            f"p99 {spread.delays.p99:,.0f}, max {spread.delays.max:,.0f}; linked in "
            f"{spread.linking_s:.0f} s, spread in {spread.spreading_s:.1f} s, "
            f"{spread.messages:,} messages, {spread.us_per_message:.0f} us each, "
            f"{figure.memory_mb:,.0f} MB"
        )
    for name, siege in measure_sieges():
        say(
            f"engines, {name}: strangers are {siege.strangers_known:.0%} of the address book, "
            f"{siege.strangers_inbound:.0%} of inbound and {siege.strangers_outbound:.0%} of "
            f"outbound connections; blocks p50 {siege.delays.p50:,.0f} ms, p99 "
            f"{siege.delays.p99:,.0f}, {siege.missed:.0%} missed"
        )


def bench_hundred() -> None:
    """Whole nodes in virtual time."""
    figure = measure_crowd()
    say(
        f"{figure.nodes} nodes for {figure.virtual_s / 60:.0f} virtual minutes: "
        f"{figure.wall_s:.0f} s of wall time, {figure.cpu_s:.0f} s of processor time, which is "
        f"{figure.times_real:.1f} times real time; {figure.memory_mb:,.0f} MB; "
        f"{figure.blocks:.0f} blocks, {figure.events:,} events, {figure.verdict}"
    )


def bench_attacks() -> None:
    """What attacks cost the honest."""
    for cost in measure_attacks():
        peace, attacked = cost.peace, cost.attacked
        say(
            f"{cost.attack}: {cost.verdict}; inclusion p99 {peace.inclusion_p99:,.0f} ms in peace, "
            f"{attacked.inclusion_p99:,.0f} ms under attack; propagation p99 "
            f"{peace.propagation_p99:,.0f} ms in peace, {attacked.propagation_p99:,.0f} ms"
        )


def bench_lossy_link() -> None:
    """Two nodes in network namespaces with a bad line between them."""
    why_not = permitted()
    if why_not:
        say(f"lossy link: SKIPPED, {why_not}")
        return
    figure = measure_lossy_link()
    run = figure.run
    say(
        f"lossy link, {figure.lost} of {figure.carried + figure.lost} packets lost, 300 ms there "
        f"and back: delivered {run.unloaded.delivered:g} / {run.steady.delivered:g} / "
        f"{run.burst.delivered:g}; single messages p50 {run.unloaded.p50_ms:,.0f} ms, p99 "
        f"{run.unloaded.p99_ms:,.0f}; {PLAN.rate:.0f}/s p50 {run.steady.p50_ms:,.0f} ms, p99 "
        f"{run.steady.p99_ms:,.0f}; a burst of {run.burst.sent:,} at "
        f"{run.burst.deliveries_per_s:,.0f}/s, {figure.bytes_per_s / 1e3:,.0f} kB/s; "
        f"{run.disconnects} disconnects, {run.bans} bans"
    )


def bench_blocks() -> None:
    """A block of two thousand transactions over thirty-two nodes, compactly and whole."""

    def tell(what: str, figure: BlockFigure) -> None:
        receivers = figure.nodes - 1
        say(
            f"blocks, {what}: {figure.sent_bytes / 1000:,.1f} kB sent a node, "
            f"{1 - figure.rounds / receivers:.0%} of {receivers} rebuilt without asking for "
            f"transactions, {figure.unasked / receivers:.0%} without any question, "
            f"{figure.reached} of {figure.nodes} reached, p50 {figure.delays.p50:,.0f} ms, "
            f"max {figure.delays.max:,.0f}"
        )

    for late in (0, 100):
        tell(f"cities, {late} transactions late, compact", measure_cities(late))
        with wholly():
            tell(f"cities, {late} transactions late, whole", measure_cities(late))
    tell("websockets, one process, compact", measure_live())
    with wholly():
        tell("websockets, one process, whole", measure_live())


def bench_eclipse() -> None:
    """A victim among twenty attackers to one, over and over."""
    for kept in measure_poisonings():
        say(
            f"eclipse, {kept.name}: {kept.free} of {kept.seeds} keep an honest outbound peer, "
            f"{kept.mean:.1f} of 8 on average, {kept.fewest} in the worst run; attackers are "
            f"{kept.known_attackers:.0%} of the book and {kept.tried_attackers:.0%} of its tried "
            f"contacts; {kept.wall_s:.0f} s"
        )


def bench_siege() -> None:
    """Whole routers, twenty strangers to one: who dials whom, who pushes to whom, who hears."""
    for name, sieges in measure_small_sieges():
        outbound = [siege.strangers_outbound for siege in sieges]
        eager = [siege.strangers_eager for siege in sieges]
        say(
            f"siege, {name}: strangers are {mean(siege.strangers_known for siege in sieges):.0%} "
            f"of address books, {mean(siege.strangers_inbound for siege in sieges):.0%} of inbound "
            f"and {mean(outbound):.0%} of outbound connections ({max(outbound):.0%} at worst), "
            f"{mean(eager):.0%} of eager links ({max(eager):.0%}); "
            f"{sum(siege.captured for siege in sieges)} captured; "
            f"{max(siege.missed for siege in sieges):.0%} of blocks missed at worst, p99 "
            f"{max(siege.delays.p99 for siege in sieges):,.0f} ms"
        )


def bench_receipts() -> None:
    """Receipts before and after changes of the authorities."""
    for figure in measure_receipts():
        say(f"receipt, {receipt_line(figure)}")


def bench_live_receipts() -> None:
    """The same from processes under load."""
    live = measure_live_receipts()
    for figure in live.receipts:
        say(f"receipt from processes, {receipt_line(figure)}")
    say(
        f"receipts from processes: {live.included_per_s:,.0f} transactions a second included; "
        f"{live.disagree} of {live.compared:,} final blocks of {live.nodes} nodes disagree"
    )


def receipt_line(figure: ReceiptFigure) -> str:
    return (
        f"{figure.name}: {figure.size:,} bytes, {figure.handovers} handovers, {figure.signers} "
        f"signatures, verified from the genesis in {figure.verify_ms:.2f} ms of processor time"
    )


def bench_finality() -> None:
    """How far final blocks are behind the head."""
    figure = measure_finality()
    say(
        f"finality, {AUTHORITIES} processes, {RATE} tx/s sent, {figure.included_per_s:,.0f} "
        f"included: head to final p50 {figure.p50} slots, p99 {figure.p99}, worst {figure.worst}, "
        f"{figure.samples:,} samples"
    )


def bench_kills() -> None:
    """A voter that dies two hundred times."""
    figure = measure_kills()
    say(
        f"voter killed {figure.kills} times, {figure.in_writes} of them inside a write: "
        f"{figure.votes} of its votes on the network, {figure.offences} pairs that exclude each "
        "other"
    )


def bench_live_kills() -> None:
    """A voting process killed with SIGKILL two hundred times."""
    figure = measure_live_kills()
    say(
        f"voting process killed {figure.kills} times: {figure.votes:,} of its votes on the "
        f"network, in {figure.voting_lives} of its lives, and {figure.others:,} of others; "
        f"{figure.offences} pairs that exclude each other; its guard was behind {figure.refused} "
        f"times; {figure.final:,} blocks are final"
    )


def bench_twins() -> None:
    """An authority that runs as two processes with one key."""
    figure = measure_twins()
    named = ", ".join(f"{count} by {kind}" for kind, count in figure.offences.items())
    say(
        f"twins: first evidence on the chain after {figure.evidence_slots} slots, offences proved: "
        f"{named}; set {figure.set_id} with {figure.seats} seats in force after "
        f"{figure.unseated_slots} slots, without the offender; {figure.silent} of the two stopped "
        f"to vote by themselves; {figure.disagree} of {figure.compared:,} final blocks of "
        f"{figure.nodes} honest nodes disagree"
    )


def bench_light() -> None:
    """A light node over an hour of virtual time."""
    figure = measure_light()
    say(
        f"light node, {figure.peers} peers, 7 authorities, a block a second, "
        f"{figure.seconds:,} s: {figure.bytes_in:,} bytes in, {figure.bytes_out:,} out, "
        f"{figure.per_day / 1e6:.2f} MB a day; it knew block {figure.final_height:,} final "
        f"of {figure.head_height:,}"
    )


def bench_trials() -> None:
    """The library's trials by silence, lies, floods and churn."""
    for run in measure_trials():
        known = run.figures
        named = "; ".join(
            f"{node} blamed for {', '.join(f'{code} {count}' for code, count in codes.items())}"
            for node, codes in run.named.items()
        )
        say(
            f"trials, {run.trial}, seed {run.seed}: {run.verdict}; delivered "
            f"{known['delivered']:g}, copies {known['copies']:.2f}; transactions p50 "
            f"{known['transaction propagation p50']:,.0f} ms, p99 "
            f"{known['transaction propagation p99']:,.0f}; inclusion p99 "
            f"{run.before_p99_ms:,.0f} ms before, {run.during_p99_ms:,.0f} during"
            + (f"; {named}" if named else "")
        )


PARTS: dict[str, Callable[[], None]] = {
    "import": bench_import,
    "state": bench_state,
    "start": bench_start,
    "load": bench_load,
    "devnet": bench_devnet,
    "sync": bench_sync,
    "engines": bench_engines,
    "lossy-link": bench_lossy_link,
    "eclipse": bench_eclipse,
    "siege": bench_siege,
    "hundred": bench_hundred,
    "attacks": bench_attacks,
    "blocks": bench_blocks,
    "trials": bench_trials,
    "receipts": bench_receipts,
    "receipts-live": bench_live_receipts,
    "finality": bench_finality,
    "voter-kills": bench_kills,
    "voter-kills-live": bench_live_kills,
    "twins": bench_twins,
    "light": bench_light,
}


def main(wanted: list[str]) -> int:
    unknown = [part for part in wanted if part not in PARTS]
    if unknown:
        print(f"unknown part {unknown[0]!r}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for part in wanted or PARTS:
        PARTS[part]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
