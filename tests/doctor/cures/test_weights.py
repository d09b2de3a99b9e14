"""First weights drawn anew."""

import keras
import numpy as np

from residency.doctor.cures import weights

X, Y = np.ones((12, 4), "float32"), np.arange(12) % 3


def test_constant_and_huge_kernels_are_drawn_anew_others_kept(dense, case_of, suspect):
    for kernel in ("zeros", keras.initializers.RandomNormal(stddev=50)):
        model = dense(kernel_initializer=kernel)
        first, last = (np.array(v) for v in (model.weights[0], model.weights[2]))
        cure = weights.drawn_anew(suspect("constant_init"), case_of(model, X, Y))
        with cure.on_model(model):
            drawn = np.array(model.weights[0])
            assert 0.2 < drawn.std() * np.sqrt(4) < 3
            assert not np.array_equal(drawn, first)
            np.testing.assert_array_equal(np.array(model.weights[2]), last)


def test_usual_kernels_leave_nothing_to_try(dense, case_of, suspect):
    case = case_of(dense(), X, Y)
    assert weights.drawn_anew(suspect("init_scale_bad"), case) is None
