"""Confused pairs in words, and their share of all errors."""

import math
from dataclasses import replace

from residency.records import ClassScore, Evaluation, Proportion
from residency.report import confusions_in_words
from residency.report.confusions import confusions


def _evaluation(counts):
    scores = tuple(ClassScore(f"c{i}", 1, 1, 1, sum(r)) for i, r in enumerate(counts))
    right = sum(row[i] for i, row in enumerate(counts))
    total = sum(map(sum, counts))
    return Evaluation(
        "test", False, Proportion(right, total), None, 0.1, scores, counts, ()
    )


def test_order_is_by_count_then_by_share():
    pairs = confusions(_evaluation(((90, 2, 1), (2, 8, 0), (0, 5, 5))))
    assert [(p.true, p.predicted, p.count, p.support) for p in pairs] == [
        (2, 1, 5, 10),
        (1, 0, 2, 10),
        (0, 1, 2, 93),
        (0, 2, 1, 93),
    ]


def test_words_and_share_of_errors():
    told = confusions_in_words(_evaluation(((90, 2, 1), (2, 8, 0), (0, 5, 5))), most=2)
    assert told == [
        "c2 is taken for c1 in 5 of 10 images.",
        "c1 is taken for c0 in 2 of 10 images.",
        "These 2 pairs make up 70 % of all 10 errors.",
    ]


def test_images_without_an_answer_are_counted():
    scores = tuple(ClassScore(name, 1, 1, 1, 10) for name in ("a", "b"))
    pairs = ((7, 1), (0, 0))
    found = Evaluation(
        "test", False, Proportion(7, 20), None, math.nan, scores, pairs, ()
    )
    assert confusions_in_words(found) == [
        "a is taken for b in 1 of 10 images.",
        "This pair makes up all 1 errors.",
        "The model gave no numbers for 12 of 20 images.",
    ]
    none = replace(found, confusion=((0, 0), (0, 0)))
    assert confusions_in_words(none) == [
        "The model gave no numbers for 20 of 20 images."
    ]


def test_no_errors_and_no_classes():
    assert confusions_in_words(_evaluation(((3, 0), (0, 3)))) == [
        "No image was given a wrong class."
    ]
    empty = Evaluation("test", False, Proportion(0, 1), None, 0.0, (), (), ())
    assert confusions(empty) == []
