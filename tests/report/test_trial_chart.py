"""The drawing of a trial: two lines to scale, names that do not meet."""

import re
from xml.etree import ElementTree

import pytest

from residency.report.trial_chart import APART, trial_chart


def lines(untreated, treated):
    root = ElementTree.fromstring(trial_chart(untreated, treated, 60))
    points = {
        each.get("class"): [
            tuple(map(float, pair.split(","))) for pair in each.get("points").split()
        ]
        for each in root.iter("polyline")
    }
    names = {t.get("class"): t for t in root.iter("text") if t.get("class")}
    return points, names


def test_heights_are_proportional_to_errors():
    points, _ = lines([1.0, 2.0, 3.0], [1.0, 0.5, 0.0])
    base, top = points["treated"][-1][1], points["untreated"][-1][1]
    height = base - top
    assert base - points["treated"][1][1] == pytest.approx(height / 6, abs=0.1)
    assert base - points["untreated"][0][1] == pytest.approx(height / 3, abs=0.1)
    across = [x for x, _ in points["treated"]]
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.1)


@pytest.mark.parametrize("ends", [(0.5, 0.5), (0.5, 0.52), (0.52, 0.5)])
def test_names_stand_apart_in_the_order_of_the_lines(ends):
    _, names = lines([1.0, ends[0]], [1.0, ends[1]])
    heights = [float(names[kind].get("y")) for kind in ("untreated", "treated")]
    assert abs(heights[0] - heights[1]) >= APART - 0.1
    if ends[0] != ends[1]:
        assert (heights[0] < heights[1]) == (ends[0] > ends[1])


def test_a_training_that_raised_has_no_line():
    points, _ = lines([], [1.0, 0.2])
    assert set(points) == {"treated"}


def test_it_needs_nothing_from_elsewhere():
    drawn = str(trial_chart([1.0, 0.5], [1.0, 0.4], 60))
    assert not re.search(r"style=|href|<script|url\(", drawn)
