"""Selectors mean the nodes they say, in order, each once; the same chance gives the same nodes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testnet.errors import Unfit
from testnet.scenario.selectors import WORDS, Cast, needs_run, resolve

NAMES = tuple(f"n{number}" for number in range(1, 8))
CAST = Cast(
    names=NAMES,
    authors=("n1", "n2", "n3"),
    cities=(*((name, "Moscow") for name in NAMES[:2]), *((name, "Cairo") for name in NAMES[2:])),
    leader="n2",
    hostile=("n7",),
)


def chosen(selector: str, seed: int = 1, cast: Cast = CAST) -> str:
    return ",".join(resolve(selector, cast, random.Random(seed)))


@pytest.mark.parametrize(
    ("selector", "nodes"),
    [
        ("n3", "n3"),
        ("n2..n4", "n2,n3,n4"),
        ("n4..n4", "n4"),
        ("n5, n1,n5", "n1,n5"),
        ("all", "n1,n2,n3,n4,n5,n6,n7"),
        ("honest", "n1,n2,n3,n4,n5,n6"),
        ("producer:*", "n1,n2,n3"),
        ("producer:3", "n3"),
        ("city:Moscow", "n1,n2"),
        ("leader", "n2"),
        ("n6..n7,producer:1,city:Moscow", "n1,n2,n6,n7"),
    ],
)
def test_what_a_selector_means(selector: str, nodes: str) -> None:
    assert chosen(selector) == nodes


def test_others_are_those_beside_a_selection() -> None:
    beside = Cast(NAMES, beside=("n1", "n2"))
    assert chosen("others", cast=beside) == "n3,n4,n5,n6,n7"
    assert chosen("n1,others", cast=beside) == "n1,n3,n4,n5,n6,n7"


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_random_nodes_leave_out_those_beside_them(seed: int, count: int) -> None:
    drawn = resolve(f"rand:{count}", Cast(NAMES, beside=("n1", "n2")), random.Random(seed))
    assert len(drawn) == count
    assert not {"n1", "n2"} & {*drawn}


@given(st.integers(0, 2**32), st.integers(3, 40))
def test_minority_and_majority_complete_each_other(seed: int, count: int) -> None:
    cast = Cast(tuple(f"n{number}" for number in range(count)))
    minority = resolve("minority", cast, random.Random(seed))
    majority = resolve("majority", cast, random.Random(seed))
    assert {*minority} | {*majority} == {*cast.names}
    assert not {*minority} & {*majority}
    assert len(minority) * 2 < count < len(majority) * 2


@given(st.integers(0, 2**32), st.sampled_from(["rand:3", "minority", "rand:1,n1..n2"]))
def test_the_same_chance_gives_the_same_nodes(seed: int, selector: str) -> None:
    assert chosen(selector, seed) == chosen(selector, seed)


def test_different_chance_gives_different_nodes() -> None:
    assert len({chosen("rand:3", seed) for seed in range(20)}) > 5


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        ("n8", "no node 'n8'; there are n1, n2, n3, n4, n5, n6, n7"),
        ("n1..n9", "no node 'n9'"),
        ("n3..n1", "runs backwards; write n1..n3"),
        ("", "empty term"),
        ("n1,,n2", "empty term"),
        ("minorty", "did you mean 'minority'?"),
        ("all:1", "'all:1' selects nothing"),
        ("rand", "did you mean 'rand:N'?"),
        ("rand:0", "there are 7 nodes; write a number up to 7"),
        ("rand:8", "there are 7 nodes; write a number up to 7"),
        ("rand:x", "there are 7 nodes; write a number up to 7"),
        ("producer:4", "there are 3 producers"),
        ("city:Moskow", "did you mean 'Moscow'?"),
        ("others", "use it in `to`, not in `on`"),
    ],
)
def test_what_selects_nothing_is_refused_with_what_would(selector: str, reason: str) -> None:
    with pytest.raises(Unfit) as refused:
        chosen(selector)
    assert reason in refused.value.reason


def test_a_selector_that_means_nobody_is_refused() -> None:
    with pytest.raises(Unfit, match="'honest' means none of n1, n2"):
        chosen("honest", cast=Cast(("n1", "n2"), hostile=("n1", "n2")))


def test_many_nodes_are_told_by_the_first_and_the_last() -> None:
    cast = Cast(tuple(f"n{number}" for number in range(1, 201)))
    with pytest.raises(Unfit, match=r"there are n1\.\.n200"):
        chosen("n201", cast=cast)


def test_only_a_run_knows_the_leader() -> None:
    assert needs_run("n1,leader")
    assert not needs_run("n1,all")
    with pytest.raises(Unfit, match="only while a network runs"):
        chosen("leader", cast=Cast(NAMES))


def test_every_word_is_explained() -> None:
    assert all(word.about and word.form.startswith(name) for name, word in WORDS.items())


@given(st.text(max_size=12))
def test_any_text_selects_nodes_or_is_refused(selector: str) -> None:
    try:
        nodes = resolve(selector, CAST, random.Random(1))
    except Unfit:
        return
    assert nodes
    assert {*nodes} <= {*NAMES}
