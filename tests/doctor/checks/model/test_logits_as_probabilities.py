import keras
import pytest
from keras import layers

from residency.doctor.checks.model.logits_as_probabilities import find


@pytest.mark.parametrize(
    ("units", "classes", "loss"),
    [
        (3, 3, "sparse_categorical_crossentropy"),
        (1, 2, "binary_crossentropy"),
    ],
)
def test_an_output_without_activation(probe_of, table, units, classes, loss):
    probe = probe_of([layers.Dense(units)], table(classes=classes), loss)
    (found,) = find(probe)
    assert found.severity == "error"
    assert found.evidence["lowest_score"] == pytest.approx(
        float(probe.forward.scores.min()), abs=1e-3
    )


def test_normalisation_at_the_end_makes_no_probabilities(probe_of, table):
    model = [layers.Dense(3), layers.BatchNormalization()]
    assert len(find(probe_of(model, table()))) == 1


def test_losses_that_take_scores_and_outputs_that_add_up_are_right(probe_of, table):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert find(probe_of([layers.Dense(3)], table(), loss)) == []
    x, _ = table()
    assert find(probe_of([layers.Dense(1)], (x, x[:, :1]), "mse")) == []
    shares = layers.Lambda(lambda s: keras.ops.softmax(s), output_shape=(3,))
    assert find(probe_of([layers.Dense(3), shares], table())) == []


def test_the_snippet_names_a_loss_that_exists(probe_of, table):
    (found,) = find(
        probe_of([layers.Dense(1)], table(classes=2), "binary_crossentropy")
    )
    name = found.snippet.split("keras.losses.")[1].split("(")[0]
    assert hasattr(keras.losses, name)
