import keras
import numpy as np
import pytest

from residency import data
from residency.data import PadCrop, RandomFlip
from residency.doctor.checks.data import small_shift
from residency.doctor.own_data import batches_of

run = small_shift.CHECK.run


def findings(probe_of, side, *transforms):
    images = np.zeros((40, 32, 32, 3), "uint8")
    loaded = data.load((images, np.arange(40) % 4), image_size=side, validation=0)
    batches = batches_of(
        loaded.train, image_size=side, batch_size=8, transforms=transforms
    )
    return run(probe_of(batches, layers=[keras.layers.GlobalAveragePooling2D()]))


@pytest.mark.parametrize(("side", "padding"), [(224, 4), (96, 2)])
def test_a_small_padding_is_found(probe_of, side, padding):
    (found,) = findings(probe_of, side, RandomFlip(), PadCrop(padding=padding))
    assert found.severity == "advice"
    assert found.evidence["share"] == round(padding / side, 4)


@pytest.mark.parametrize(("side", "padding"), [(32, 4), (28, 2), (64, 8), (224, 0)])
def test_the_papers_padding_is_silent(probe_of, side, padding):
    assert findings(probe_of, side, PadCrop(padding=padding)) == []


def test_other_data_are_not_meant(probe_of, pictures):
    assert run(probe_of(pictures(32))) == []
