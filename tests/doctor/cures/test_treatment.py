"""Two treatments together."""

import numpy as np
import pytest

from residency.doctor.cures.treatment import NONE, Treatment, attributes, together


def test_changes_follow_each_other_and_the_second_wins():
    first = Treatment(words="a", read=lambda b: (b[0] + 1, *b[1:]), rate=1.0)
    second = Treatment(words="b", read=lambda b: (b[0] * 2, *b[1:]), faster_only=True)
    both = together(first, second)
    assert both.read((np.array([3]), None, None))[0].tolist() == [8]
    assert (both.words, both.rate, both.faster_only) == ("a and b", 1.0, True)
    assert together(NONE, second).words == "b"


def test_attributes_are_given_back_after_an_error_too():
    class Layer:
        rate = 0.5

    layer = Layer()
    with pytest.raises(ZeroDivisionError), attributes([(layer, "rate", 0.1)]):
        raise ZeroDivisionError
    assert layer.rate == 0.5
