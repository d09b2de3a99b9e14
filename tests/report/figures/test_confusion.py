"""The matrix shows the counts at every number of classes."""

import re

import numpy as np
import pytest

from residency.report import confusion_matrix
from residency.report.figures.confusion import colored


def _texts(path):
    return re.findall(r"<!-- (.*?) -->", path.read_text("utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("number", [1, 2, 10, 30])
def test_counts_are_written(tmp_path, make_evaluation, number):
    evaluation = make_evaluation([f"bird {i}" for i in range(number)])
    texts = _texts(confusion_matrix(evaluation, tmp_path / "m.svg"))
    counts = sorted(str(c) for row in evaluation.confusion for c in row if c)
    assert sorted(t for t in texts if t.isdigit()) == counts
    assert texts.count("bird 0") == 2


def test_many_classes_have_no_numbers(tmp_path, make_evaluation):
    evaluation = make_evaluation([f"bird {i}" for i in range(60)])
    texts = _texts(confusion_matrix(evaluation, tmp_path / "m.svg"))
    assert not [t for t in texts if t.isdigit()]
    assert texts.count("bird 2") == 2
    assert "bird 1" not in texts


def test_a_thousand_classes_are_pairs(tmp_path, make_evaluation):
    evaluation = make_evaluation([f"n{i}" for i in range(1000)])
    texts = _texts(confusion_matrix(evaluation, tmp_path / "m.svg"))
    assert sum("→" in text for text in texts) == 30 + 1  # the heading has one too
    assert any("2 of 33" in text for text in texts)


@pytest.mark.parametrize("number", [4, 200])
def test_no_mistakes(tmp_path, make_evaluation, number):
    evaluation = make_evaluation([f"n{i}" for i in range(number)], wrong_of_each=0)
    path = confusion_matrix(evaluation, tmp_path / "m.svg")
    assert number < 100 or "No mistakes." in _texts(path)


def test_hostile_and_long_names(tmp_path, make_evaluation):
    names = ["<script>alert(1)</script>", "$x^", "a -- b", "long " * 60, "\udce9\t"]
    path = confusion_matrix(make_evaluation(names), tmp_path / "m.svg")
    assert "<script" not in path.read_text("utf-8")


def test_colours():
    image = colored(np.array([[10.0, 0.0], [0.0, 0.0]]))
    assert image[0, 0] == pytest.approx([0, 0x72 / 255, 0xB2 / 255])
    assert image[0, 1].tolist() == [1, 1, 1]
    assert image[1, 0].tolist() == image[1, 1].tolist() != [1, 1, 1]  # no images
