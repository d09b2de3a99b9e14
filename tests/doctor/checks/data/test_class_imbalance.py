import numpy as np
import pytest

from residency.doctor.checks.data import class_imbalance

run = class_imbalance.CHECK.run


def part(counts, weights=None):
    y = np.repeat(np.arange(len(counts)), counts)
    x = np.random.default_rng(0).normal(size=(len(y), 6)).astype("float32")
    return (x, y) if weights is None else (x, y, np.asarray(weights)[y])


@pytest.mark.parametrize(
    "counts", [(600, 120, 80, 60, 40, 30, 30, 20, 10, 10), (970, 30), (400, 30, 30)]
)
def test_a_class_that_rules_is_found(probe_of, counts):
    (found,) = run(probe_of(part(counts), units=len(counts)))
    assert found.severity == "warning"
    assert found.evidence["majority_baseline"] == counts[0] / sum(counts)
    assert "class_weight" in found.snippet


@pytest.mark.parametrize("counts", [(100, 100), (70, 30), (100, 60, 40), (200, 60, 50)])
def test_usual_differences_are_silent(probe_of, counts):
    assert run(probe_of(part(counts), units=len(counts))) == []


def test_many_classes_of_a_long_tail_are_advice(probe_of):
    counts = [60] * 10 + [6] * 10 + [3] * 5
    assert [f.severity for f in run(probe_of(part(counts), units=25))] == ["advice"]


def test_sample_weights_compensate(probe_of):
    assert run(probe_of(part((400, 30, 30), weights=(0.1, 1, 1)))) == []
