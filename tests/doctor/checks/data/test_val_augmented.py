import numpy as np

from residency.doctor.checks.data import val_augmented

run = val_augmented.CHECK.run


def shift(image, rng):
    return np.roll(image, rng.integers(-4, 5), axis=0)


def test_random_validation_is_found(probe_of, pictures, batches):
    train, held_out = pictures(64), batches(*pictures(64, seed=1), change=shift)
    (found,) = run(probe_of(train, held_out))
    assert found.severity == "warning"
    assert found.evidence["change"] > 0.1


def test_augmented_training_alone_is_silent(probe_of, pictures, batches):
    train = batches(*pictures(64), change=shift)
    assert run(probe_of(train, batches(*pictures(64, seed=1)))) == []
    assert run(probe_of(train, pictures(64, seed=1))) == []


def test_another_order_at_each_reading_is_silent(probe_of, pictures):
    class Shuffled:
        """Iterates in a new order each time, as tf.data with a shuffle does."""

        def __init__(self, x, y):
            self.x, self.y, self.rng = x, y, np.random.default_rng(0)

        def __len__(self):
            return 4

        def __iter__(self):
            order = self.rng.permutation(len(self.x))
            for rows in np.array_split(order, 4):
                yield self.x[rows], self.y[rows]

    assert run(probe_of(pictures(64), Shuffled(*pictures(64, seed=1)))) == []


def test_without_validation_it_cannot_tell(probe_of, pictures):
    assert run(probe_of(pictures(64))) is None
