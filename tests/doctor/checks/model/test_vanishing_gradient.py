import pytest
from keras import layers

from residency.doctor.checks.model.vanishing_gradient import find


def stack(depth, activation, **options):
    hidden = [layers.Dense(8, activation=activation, **options) for _ in range(depth)]
    return [*hidden, layers.Dense(3, activation="softmax")]


def test_a_deep_stack_of_sigmoids(probe_of, table):
    probe = probe_of(stack(10, "sigmoid"), table())
    (found,) = find(probe)
    kernels = [g.rms for g in probe.gradients.by_path.values() if g.name == "kernel"]
    assert found.evidence["ratio"] == pytest.approx(kernels[0] / kernels[-1])
    assert found.severity == "warning"


@pytest.mark.parametrize(
    "model",
    [stack(2, "sigmoid"), stack(6, "tanh"), stack(12, "relu")],
    ids=["two sigmoids", "six tanh", "relu"],
)
def test_shallow_or_open_stacks_are_left_alone(probe_of, table, model):
    assert find(probe_of(model, table())) == []
