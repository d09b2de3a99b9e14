"""What is read of a part, and what labels are classes."""

import numpy as np
import pytest

from residency.doctor.probe.sample import class_numbers, read_sample

from .test_source import Batches, X, Y, pairs

LIMITS = {"seconds": 10.0, "max_bytes": 2**20, "batch_size": 4}


def test_a_part_that_fits_is_read_whole():
    sample = read_sample((X, Y), **LIMITS)
    assert (sample.complete, sample.steps, sample.size) == (True, 3, 10)
    assert sample.x.shape == (10, 4)
    assert sorted(sample.x[:, 0]) == sorted(X[:, 0])
    assert len(sample.again) == 3
    assert sample.next_epoch == ()


def test_a_large_part_is_read_in_part():
    sample = read_sample((X, Y), **LIMITS | {"max_bytes": 1})
    assert (sample.complete, len(sample.batches)) == (False, 1)
    assert (sample.steps, sample.size) == (3, 10)


def test_an_endless_part_ends_with_the_memory():
    def forever():
        while True:
            yield X, Y

    sample = read_sample(forever(), **LIMITS | {"max_bytes": 5 * X.nbytes})
    assert (sample.complete, sample.steps, sample.size) == (False, None, None)
    assert sample.again == ()


def test_an_iterator_that_ends_is_complete():
    sample = read_sample(pairs(), **LIMITS)
    assert (sample.complete, sample.steps, sample.size) == (True, 3, 10)


def test_the_next_epoch_of_indexed_data():
    sample = read_sample(Batches(), **LIMITS)
    assert sample.again[0][0].min() == 0
    assert sample.next_epoch[0][0].min() == 100


def test_batches_of_several_sizes_are_not_joined():
    data = [(np.zeros((2, 4, 4, 1)), Y[:2]), (np.zeros((2, 6, 6, 1)), Y[:2])]
    assert read_sample(iter(data), **LIMITS).x is None


def test_several_inputs_of_several_shapes_are_read():
    wide = np.zeros((10, 6))
    sample = read_sample(([X, wide], Y), **LIMITS | {"max_bytes": 2 * wide.nbytes})
    assert sample.x is None
    assert len(sample.batches) == 3


def test_images_have_channels_last():
    x = np.zeros((2, 3, 8, 8))
    assert read_sample((x, Y[:2]), **LIMITS).images.shape == (2, 8, 8, 3)
    assert read_sample((X, Y), **LIMITS).images is None


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([0, 2, 1]), [0, 2, 1]),
        (np.array([[0.0], [1.0]]), [0, 1]),
        (np.eye(3)[[2, 0]], [2, 0]),
        (np.array([True, False]), [1, 0]),
        (np.array([-1.0, 1.0]), [-1, 1]),
        (np.array([0.5, 1.0]), None),
        (np.array([np.nan, 1.0]), None),
        (np.array([[0.2, 0.8]]), None),
        (np.array([[1, 1], [0, 1]]), None),
        (np.arange(100), None),
        (np.array([]), None),
        (None, None),
    ],
)
def test_labels_that_are_classes(labels, classes):
    found = class_numbers(labels)
    assert (None if found is None else found.tolist()) == classes
