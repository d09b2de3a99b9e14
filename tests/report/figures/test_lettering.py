"""Texts fit and stay as whole as they can."""

from hypothesis import given
from hypothesis import strategies as st

from residency.report.figures.lettering import shorten, wrap


def test_short_text_is_untouched():
    assert shorten("heron", 5, len) == "heron"


def test_both_ends_are_kept():
    assert shorten("abcdefghij", 5, len) == "ab…ij"


def test_second_line_is_shortened():
    assert wrap("Black footed Albatross of the South", 14, len) == (
        "Black footed\nAlbatro… South"
    )


def test_chinese_breaks_anywhere():
    assert wrap("灰鹭与鹤", 2, len) == "灰鹭\n与鹤"


def test_own_line_breaks_stay():
    assert wrap("Cockatoo\ntrue: Skimmer", 20, len) == "Cockatoo\ntrue: Skimmer"


@given(st.text(max_size=60), st.integers(2, 30))
def test_every_line_fits(text, width):
    assert all(len(line) <= width for line in wrap(text, width, len).split("\n"))
