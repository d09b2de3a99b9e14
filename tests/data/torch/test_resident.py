"""Batches made from images on a device: the pixels of `Pipeline`, to the last one."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from residency.data import ColorJitter, PadCrop, Pipeline, RandomFlip, load
from residency.data.torch.resident import move, resident

CPU = torch.device("cpu")


def pipeline_of(transforms, size=8, **options):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (21, size, size, 3)).astype("uint8")
    data = load((images, np.arange(21) % 3), validation=0.0, test=0.0)
    return Pipeline(
        data.train, image_size=size, transforms=tuple(transforms), **options
    )


TRANSFORMS = st.one_of(
    st.builds(
        PadCrop,
        padding=st.integers(0, 5),
        fill=st.tuples(*[st.integers(0, 255)] * 3),
        reflect=st.booleans(),
    ),
    st.builds(RandomFlip, probability=st.floats(0, 1)),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(TRANSFORMS, max_size=3),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 2),
)
def test_pixels_labels_and_order_are_those_of_the_pipeline(
    transforms, seed, epoch, start
):
    pipeline = pipeline_of(transforms, batch_size=8, seed=seed)
    there = move(pipeline, pipeline.part.frames, CPU)
    assert there.steps_per_epoch == pipeline.steps_per_epoch == 3
    pairs = zip(there.epoch(epoch, start), pipeline.epoch(epoch, start), strict=True)
    for found, expected in pairs:
        np.testing.assert_array_equal(found.images.numpy(), expected.images)
        np.testing.assert_array_equal(found.labels.numpy(), expected.labels)
        np.testing.assert_array_equal(found.rows, expected.rows)
        assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("device", "transforms", "why"),
    [("cpu", [], "not on a GPU"), ("cuda", [ColorJitter()], "ColorJitter")],
)
def test_what_cannot_be_there_is_left_alone_and_said(device, transforms, why):
    pipeline = pipeline_of(transforms, batch_size=8)
    found, said = resident(pipeline, torch.device(device))
    assert found is None
    assert why in said
