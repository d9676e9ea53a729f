"""Whether two hellos fit: each refusal names both values, and both sides agree."""

import pytest

from chain.primitives.hashing import Hash
from p2p.net.hello import compatible
from tests.p2p.wire.messages import example_hello


@pytest.mark.parametrize(
    ("ours", "theirs", "code", "values"),
    [
        ({"network": "one"}, {"network": "two"}, "wrong-network", ("'one'", "'two'")),
        (
            {"genesis": Hash(b"1" * 32)},
            {"genesis": Hash(b"2" * 32)},
            "wrong-genesis",
            ("31" * 32, "32" * 32),
        ),
        (
            {"version_min": 1, "version_max": 2},
            {"version_min": 3, "version_max": 4},
            "wrong-version",
            ("1 to 2", "3 to 4"),
        ),
        (
            {"network": "one", "genesis": Hash(b"1" * 32)},
            {"network": "two"},
            "wrong-network",
            ("'one'", "'two'"),
        ),
    ],
)
def test_a_mismatch_names_both_values_on_both_sides(
    ours: dict[str, object], theirs: dict[str, object], code: str, values: tuple[str, str]
) -> None:
    left, right = example_hello(**ours), example_hello(**theirs)
    for one, other in ((left, right), (right, left)):
        goodbye = compatible(one, other)
        assert goodbye is not None
        assert goodbye.code == code
        assert all(value in goodbye.reason for value in values)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 3), (2, 2), (2, 9)])
def test_versions_that_overlap_fit(low: int, high: int) -> None:
    ours = example_hello(version_min=1, version_max=2)
    theirs = example_hello(version_min=low, version_max=high, height=99, agent="other/9")
    assert compatible(ours, theirs) is None
    assert compatible(theirs, ours) is None
