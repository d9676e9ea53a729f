"""Every decoder for a moment: typed refusal, or a value that encodes to the same bytes."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.transactions.registry import KINDS
from tests.fuzz.bodies import bodies
from tests.fuzz.targets import Target, targets

TARGETS = targets()
MESSAGE_EXAMPLES = 40
"""Of a kind of message; they share a decoder."""

EXAMPLES = 120


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_the_samples_are_taken(target: Target) -> None:
    assert target.samples
    for sample in target.samples:
        assert target.check(sample), f"{target.name}: a sample is refused"


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_whatever_comes(target: Target) -> None:
    examples = MESSAGE_EXAMPLES if target.name.startswith("message-") else EXAMPLES

    @settings(max_examples=examples)
    @given(st.sampled_from(target.samples), st.integers(0, 2**64 - 1))
    def mutated(sample: bytes, seed: int) -> None:
        target.check(target.mutate(sample, random.Random(seed)))

    @settings(max_examples=examples // 2)
    @given(st.binary(max_size=200))
    def anything(data: bytes) -> None:
        target.check(data)

    mutated()
    anything()


def test_every_kind_of_transaction_is_fuzzed() -> None:
    assert {body.KIND for body in bodies()} == set(KINDS), "tests/fuzz/bodies.py needs one of each"


@pytest.mark.parametrize("name", ["cbor", "frame", "transaction-payload", "scenario-toml"])
def test_mutations_reach_both_refusals_and_values(name: str) -> None:
    target, rng = TARGETS[name], random.Random(1)
    seen = {target.check(target.mutate(rng.choice(target.samples), rng)) for _ in range(400)}
    assert seen == {True, False}
