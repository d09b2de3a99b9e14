"""Layers set otherwise for a while."""

import keras
import numpy as np

from residency.doctor.cures import layers

X, Y = np.ones((12, 4), "float32"), np.arange(12) % 3


def penalty_of(model):
    return float(sum(each.detach() for each in model.losses))


def test_high_dropout_is_lowered_and_given_back(dense, case_of, suspect):
    model = dense()
    cure = layers.mild_dropout(suspect("dropout_too_high"), case_of(model, X, Y))
    with cure.on_model(model):
        assert model.layers[1].rate == layers.MILD_DROPOUT
    assert model.layers[1].rate == 0.9


def test_penalties_are_left_out_and_given_back(dense, case_of, suspect):
    model = dense(kernel_regularizer="l2")
    penalty = penalty_of(model)
    cure = layers.no_penalties(
        suspect("regularisation_too_strong"), case_of(model, X, Y)
    )
    with cure.on_model(model):
        assert penalty_of(model) == 0
    assert penalty_of(model) == penalty > 0


def test_a_variable_frozen_on_its_own_stays_so(dense):
    model = dense()
    bias = model.layers[0].bias
    bias.trainable = False
    with layers.body_frozen(model):
        assert [v.path for v in model.trainable_variables] == [
            v.path for v in model.layers[-1].variables
        ]
    assert not bias.trainable
    assert len(model.trainable_variables) == 3


def test_frozen_norms_of_a_frozen_body_are_freed_and_frozen_again(case_of, suspect):
    body = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
    )
    body.trainable = False
    model = keras.Sequential([keras.Input((4,)), body, keras.layers.Dense(3)])
    cure = layers.batch_norms_trained(
        suspect("bn_frozen_mismatch"), case_of(model, X, Y)
    )
    with cure.on_model(model):
        assert {v.name for v in model.trainable_variables} == {
            "gamma",
            "beta",
            "kernel",
            "bias",
        }
        assert len(model.trainable_variables) == 4
    assert len(model.trainable_variables) == 2


def test_momentum_is_tried_on_whole_plans_alone(case_of, suspect):
    model = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization()])
    case = case_of(model, X, Y)
    short = suspect("bn_stats_not_converged", steps=30)
    assert layers.quick_statistics(short, case).steps == 30
    long = suspect("bn_stats_not_converged", steps=5000)
    assert layers.quick_statistics(long, case) is None
