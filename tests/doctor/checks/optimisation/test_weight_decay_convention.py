"""The factors between Keras and papers, measured on Keras itself."""

import keras
import pytest

from residency.doctor.checks.optimisation.weight_decay_convention import check


def test_the_optimizers_decay(probe_of):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=5e-4)
    (found,) = check(probe_of(optimizer=optimizer))
    assert found.severity == "advice"
    assert found.evidence["factor"] == pytest.approx(10)
    assert "0.005" in found.snippet


def test_l2_of_a_papers_value(probe_of):
    layer = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(5e-4))
    (found,) = check(probe_of([layer]))
    assert found.evidence["as_weight_decay"] == pytest.approx(1e-3)


@pytest.mark.parametrize(
    "optimizer",
    [keras.optimizers.SGD(0.1, weight_decay=5e-4), keras.optimizers.AdamW(1e-3)],
)
def test_near_misses(probe_of, optimizer):
    layer = keras.layers.Dense(4, kernel_regularizer=keras.regularizers.L2(0.02))
    assert check(probe_of([layer], optimizer=optimizer)) == []


def test_keras_decay_acts_ten_times_less_at_momentum_09():
    """In the long run: from 1, without other gradients, against L2 in the gradient."""

    def after(optimizer, gradient_of):
        weight = keras.Variable([1.0], name="kernel")
        for _ in range(400):
            optimizer.apply([gradient_of(weight)], [weight])
        return 1 - float(weight.numpy()[0])

    own = after(
        keras.optimizers.SGD(0.01, momentum=0.9, weight_decay=1e-3),
        lambda w: keras.ops.zeros(1),
    )
    papers = after(keras.optimizers.SGD(0.01, momentum=0.9), lambda w: 1e-3 * w.value)
    assert papers / own == pytest.approx(10, rel=0.05)
