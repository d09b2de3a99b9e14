"""What a data set says of itself."""

import numpy as np

from residency.data import load


def test_a_data_set_is_shown_in_a_line():
    data = load((np.zeros((40, 8, 8), np.uint8), np.arange(40) % 2))
    said = "<arrays: 28 train, 6 validation, 6 test images of 2 classes at 8x8>"
    assert repr(data) == said
    assert repr(data.test) == "<test part of arrays: 6 images>"
