import numpy as np
from keras import layers

from residency.doctor.checks.model.bn_axis_wrong import find


def net(axis, layout="channels_last"):
    return [
        layers.Conv2D(8, 3, data_format=layout, use_bias=False),
        layers.BatchNormalization(axis=axis),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(data_format=layout),
        layers.Dense(4, activation="softmax"),
    ]


def test_rows_in_place_of_channels(probe_of, images):
    (found,) = find(probe_of(net(1), images()))
    assert (found.evidence["axis"], found.evidence["channel_axis"]) == (1, -1)


def test_columns_in_place_of_channels(probe_of, images):
    x, y = images()
    data = (np.ascontiguousarray(np.moveaxis(x, -1, 1)), y)
    (found,) = find(probe_of(net(-1, "channels_first"), data))
    assert found.evidence["channel_axis"] == 1
    assert find(probe_of(net(1, "channels_first"), data)) == []


def test_pictures_themselves(probe_of, images):
    model = [layers.BatchNormalization(axis=1), layers.Flatten(), layers.Dense(4)]
    assert len(find(probe_of(model, images(), "mse"))) == 1


def test_channels_by_either_name_and_rows_of_a_table(probe_of, images, table):
    assert find(probe_of(net(-1), images())) == []
    assert find(probe_of(net(3), images())) == []
    dense = [layers.Dense(8), layers.BatchNormalization(axis=1), layers.Dense(3)]
    assert find(probe_of(dense, table(), "mse")) == []


def test_axes_that_were_moved(probe_of, images):
    model = [layers.Conv2D(8, 3), layers.Permute((3, 1, 2))]
    model += [layers.BatchNormalization(axis=1), layers.Flatten(), layers.Dense(4)]
    assert find(probe_of(model, images(), "mse")) == []
