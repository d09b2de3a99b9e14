import keras
from keras import layers

from residency.doctor.checks.model.useless_bias_before_bn import find


def net(depth, bias=True):
    model = []
    for _ in range(depth):
        model += [layers.Conv2D(8, 3, padding="same", use_bias=bias)]
        model += [layers.BatchNormalization(), layers.ReLU()]
    return [
        *model,
        layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax"),
    ]


def test_a_few_are_advice(probe_of, images):
    (found,) = find(probe_of(net(2), images()))
    assert (found.severity, found.evidence["parameters"]) == ("advice", 16)


def test_the_habit_of_a_network_of_ones_own(probe_of, images):
    assert [f.severity for f in find(probe_of(net(9), images()))] == ["warning"]


def test_a_network_from_elsewhere_is_as_it_is(probe_of, images):
    body = keras.Sequential([keras.Input((16, 16, 3)), *net(9)[:-1]])
    found = find(probe_of([body, layers.Dense(4, activation="softmax")], images()))
    assert [f.severity for f in found] == ["advice"]


def test_no_bias_or_an_activation_between(probe_of, images):
    assert find(probe_of(net(3, bias=False), images())) == []
    model = [layers.Conv2D(8, 3, activation="relu"), layers.BatchNormalization()]
    model += [layers.Flatten(), layers.Dense(4, activation="softmax")]
    assert find(probe_of(model, images())) == []


def test_the_bias_has_no_gradient(probe_of, images):
    """What the finding says, with numbers: 0 but for rounding."""
    gradients = probe_of(net(1), images()).gradients.by_path.values()
    bias, kernel = (
        next(g.rms for g in gradients if g.name == name and "conv" in g.layer)
        for name in ("bias", "kernel")
    )
    assert bias < 1e-5 * kernel
