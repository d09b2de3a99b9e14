import numpy as np
import pytest

from residency.doctor.checks.data import split_not_representative

run = split_not_representative.CHECK.run


def part(counts, one_hot=False):
    y = np.repeat(np.arange(len(counts)), counts)
    x = np.random.default_rng(0).normal(size=(len(y), 6)).astype("float32")
    return x, np.eye(len(counts))[y] if one_hot else y


@pytest.mark.parametrize("one_hot", [False, True])
def test_the_tail_of_sorted_data_is_found(probe_of, one_hot):
    loss = "categorical_crossentropy" if one_hot else "sparse_categorical_crossentropy"
    parts = part([80, 80, 80, 0], one_hot), part([0, 0, 0, 60], one_hot)
    (found,) = run(probe_of(*parts, loss=loss))
    assert found.severity == "warning"
    assert found.evidence["missing_in_validation"] == [0, 1, 2]
    assert found.evidence["missing_in_training"] == [3]


def test_one_missing_class_is_found(probe_of):
    (found,) = run(probe_of(part([80, 80, 80, 80]), part([30, 30, 30, 0])))
    assert found.evidence["missing_in_validation"] == [3]


def test_random_splits_are_silent(probe_of):
    rng = np.random.default_rng(0)
    for _ in range(20):
        counts = rng.multinomial(300, [0.25] * 4), rng.multinomial(60, [0.25] * 4)
        assert run(probe_of(part(counts[0]), part(counts[1]))) == []


def test_a_rare_class_may_be_missing_by_chance(probe_of):
    assert run(probe_of(part([200, 200, 200, 12]), part([40, 40, 40, 0]))) == []


def test_a_balanced_test_of_a_long_tail_is_advice_at_most(probe_of):
    found = run(probe_of(part([500, 160, 50, 16]), part([50, 50, 50, 50])))
    assert {f.severity for f in found} <= {"advice"}
