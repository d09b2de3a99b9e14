from keras import layers

from residency.doctor.checks.model.capacity_too_small import find


def net(units):
    return [
        layers.Dense(units, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]


def test_fewer_units_than_classes(probe_of, table):
    (found,) = find(probe_of(net(3), table(classes=10)))
    assert (found.severity, found.evidence["units"]) == ("advice", 3)


def test_wide_layers_and_none(probe_of, table):
    data = table(classes=10)
    assert find(probe_of(net(16), data)) == []
    assert find(probe_of([layers.Dense(10, activation="softmax")], data)) == []
