"""The page: whole, well-formed, escaped, needing nothing else, and bounded whatever the run."""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.observation import (
    BlockJoined,
    BlockLeft,
    FaultBegan,
    Glimpse,
    NodeStarted,
    NodeStopped,
    Seen,
)
from testnet.outcome import Outcome, Verdict, Violation
from testnet.report.blocktree import COLUMNS_MAX, plan_of
from testnet.report.branches import tree_of
from testnet.report.page import page
from testnet.report.trace import trace_of
from tests.testnet.report.staged import Stage, outcome
from tests.testnet.report.told import run_of

PAGE_MAX = 2_000_000
VOID = ("meta", "link", "br", "input")
BROKEN = outcome(Stage(blocks=45))


class Balance(HTMLParser):
    """Refuses tags that do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for key, value in attrs if key == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(ran: Outcome) -> str:
    """The page, after looking at its shape."""
    html = page(ran, "runs/halves-7")
    balance = Balance()
    balance.feed(html)
    assert not balance.open
    assert len(balance.ids) == len(set(balance.ids))
    for drawing in drawings(html):
        Xml.fromstring(drawing)
    assert len(html.encode()) < PAGE_MAX
    return html


def drawings(html: str) -> list[str]:
    return re.findall(r"<svg viewBox.*?</svg>(?=</div>|\n)", html, re.DOTALL)


def test_a_failure_stands_on_top_with_its_replay() -> None:
    html = checked(BROKEN)
    top = html[html.index("<main>") : html.index("What each node did")]
    for words in (
        "A safety promise was broken: common-prefix",
        "n1 has finalized",
        "<b>41.3 s</b>",
        "<b>n1 and n8</b>",
        "<b>27</b>",
        "cornerstone testnet replay runs/halves-7",
    ):
        assert words in top
    assert "<title>FAILED: halves-then-heal, seed 7" in html


def test_a_run_that_passed_says_so() -> None:
    html = checked(outcome(Stage(broken=False)))
    assert "<title>passed: halves-then-heal" in html
    assert "checks held over 1:00 min with 8 nodes and 3 faults." in html
    assert "hero good" in html
    assert 'class="broke"' not in html


def test_it_needs_nothing_from_elsewhere() -> None:
    html = checked(BROKEN).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|\bsrc=|@import|url\((?!#)", html)


def test_every_drawing_is_there_and_says_what_it_shows() -> None:
    html = checked(BROKEN)
    titles = [Xml.fromstring(drawing).attrib["aria-label"] for drawing in drawings(html)]
    assert [title.split(".")[0] for title in titles] == [
        "What each node did",
        "The block tree",
        "How fast",
        "Transactions a second",
        "Transactions waiting",
        "Height",
        "From city to city",
    ]


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "</script><b>", '"><svg onload=x>'])
def test_what_nodes_say_stays_text(evil: str) -> None:
    found = Violation(evil, Verdict.SAFETY, 20.0, (evil,), 1, evil, (evil,))
    scenario = replace(BROKEN.scenario, about=evil)
    seen = [Seen(0.0, NodeStarted(evil)), Seen(0.1, FaultBegan(evil, evil, (evil,), (evil,)))]
    seen += [Seen(0.2, Glimpse(evil, 1, evil, 1, 1, 1, 1, 1, 1))]
    seen += [Seen(0.2, BlockJoined(evil, evil, "", 1, 1, evil, evil, ()))]
    seen += [Seen(0.3, NodeStopped(evil, evil, evil)), Seen(0.4, NodeStarted(evil, False))]
    ran = replace(BROKEN, violations=(found,), scenario=scenario, seen=(*seen, *BROKEN.seen))
    html = checked(ran)
    assert evil not in html
    assert html.count("</script>") == 2
    assert evil.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in html


@given(st.text(max_size=30))
def test_any_text_makes_a_page(said: str) -> None:
    found = Violation("supply", Verdict.SAFETY, 1.0, (said,), 0, said, (said,))
    checked(replace(run_of(()), verdict=Verdict.SAFETY, violations=(found,)))


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_run_in_which_nothing_happened(verdict: Verdict) -> None:
    checked(replace(run_of(()), verdict=verdict))


def test_a_long_run_of_many_nodes_stays_small() -> None:
    ran = outcome(Stage(nodes=20, blocks=1_000, rate=60, broken=False))
    assert len(ran.seen) > 90_000
    assert len(checked(ran)) < 400_000


def restless(rng: random.Random, nodes: int, blocks: int) -> Iterator[Seen]:
    """Nodes that part at every height and come together again: nothing is drawn worse."""
    for number in range(nodes):
        yield Seen(0.0, NodeStarted(f"n{number}"))
    for height in range(1, blocks):
        for number in range(nodes):
            node, own = f"n{number}", rng.randrange(3)
            branch, parent = f"{height:08x}{own}", f"{height - 1:08x}0"
            yield Seen(float(height), BlockJoined(node, branch, parent, height, height, "", "", ()))
            if own:
                yield Seen(height + 0.5, BlockLeft(node, branch, height))
                back = BlockJoined(node, f"{height:08x}0", parent, height, height, "", "", ())
                yield Seen(height + 0.5, back)


def test_a_run_that_forks_at_every_height_stays_small() -> None:
    ran = run_of(list(restless(random.Random(3), nodes=100, blocks=400)))
    tree = tree_of(trace_of(ran))
    assert len(tree.forks) > 700
    assert len(plan_of(tree, None).x) <= COLUMNS_MAX + 10
    assert len(checked(ran)) < 1_000_000


def test_more_nodes_than_lanes_are_left_out_aloud() -> None:
    seen = [Seen(0.0, NodeStarted(f"n{number}")) for number in range(1, 301)]
    found = Violation("supply", Verdict.SAFETY, 1.0, ("n250",), 0, "n250 lost 3")
    html = checked(replace(run_of(seen), verdict=Verdict.SAFETY, violations=(found,)))
    assert "not drawn: 200 more nodes" in html
    assert ">n250<" in html
    assert ">n249<" not in html


def test_a_finding_about_everybody_singles_nobody_out() -> None:
    missed = Violation("converged", Verdict.LIVENESS, 30.0, trace_of(BROKEN).nodes, 27, "apart")
    html = checked(replace(BROKEN, verdict=Verdict.LIVENESS, violations=(missed,)))
    assert "converged missed, 30.0 s" in html
    assert 'class="concerned"' not in html
    assert 'class="conflict"' not in html
    html = checked(BROKEN)
    assert "common-prefix broken, 41.3 s" in html
    assert html.count('class="concerned"') == 2
    assert html.count('class="conflict"') == 2
