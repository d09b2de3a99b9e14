from keras import initializers, layers

from residency.doctor.checks.model.missing_normalisation import find


def stack(depth=14, normalised=False, **options):
    model = []
    for _ in range(depth):
        model += [layers.Dense(64, **options)]
        model += [layers.BatchNormalization()] if normalised else []
        model += [layers.ReLU()]
    return [*model, layers.Dense(3, activation="softmax")]


def test_a_signal_that_shrinks_layer_by_layer(probe_of, table):
    (found,) = find(
        probe_of(stack(depth=30, kernel_initializer="lecun_normal"), table())
    )
    assert found.severity == "warning"
    assert found.evidence["ratio"] < 1e-3


def test_a_signal_that_explodes(probe_of, table):
    large = initializers.RandomNormal(stddev=0.5)
    (found,) = find(probe_of(stack(kernel_initializer=large), table()))
    assert found.evidence["ratio"] > 1e3


def test_he_weights_normalisation_and_shallow_nets(probe_of, table):
    he = {"kernel_initializer": "he_normal"}
    for model in (stack(**he), stack(normalised=True), stack(depth=4)):
        assert find(probe_of(model, table())) == []
