"""The list of what does not show: fixed, and no stricter than any Python's own."""

import sys

import pytest

from chain.primitives.printable import is_printable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://bank.example/inbox",
        "Южноафриканский рэнд 人民币 रुपया",
        "\u0378 \U0001fae8 \U00016ea0",  # no letters yet in the Unicode of some Python, or of all
        "葛\U000e0100",  # a variation selector, as Japanese names have them
    ],
)
def test_what_shows_whatever_the_python(text: str) -> None:
    assert is_printable(text)


@pytest.mark.parametrize(
    "hidden", ["\0", "\n", "\x7f", "\x85", "\u00a0", "\u200b", "\u2028", "\u202e", "\ufeff"]
)
def test_what_does_not(hidden: str) -> None:
    assert not is_printable(f"a{hidden}b")


def test_nothing_is_refused_that_python_would_print() -> None:
    shown = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    assert is_printable(shown)
