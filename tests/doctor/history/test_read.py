import json
import math
import types

import keras
import numpy as np
import pytest

from residency.doctor.history import read_history
from residency.errors import DataError
from residency.records import EpochRecord, Proportion, epoch_to_json


def test_what_keras_own_logger_writes(tmp_path):
    """One training, four ways to have its curves: all the same."""
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    y = (x[:, 0] > 0).astype("int32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    log = keras.callbacks.CSVLogger(str(tmp_path / "log.csv"))
    history = model.fit(
        x, y, epochs=4, validation_split=0.25, verbose=0, callbacks=[log]
    )
    (tmp_path / "log.json").write_text(json.dumps(history.history))
    read = [
        read_history(source)
        for source in (
            history,
            history.history,
            tmp_path / "log.csv",
            tmp_path / "log.json",
        )
    ]
    for curves in read:
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            expected = history.history[name]
            np.testing.assert_allclose(getattr(curves, name), expected, rtol=1e-6)
    assert read[0].total_epochs == 4
    assert read[0].steps_per_epoch == 1


def test_tensorboard_files_with_and_without_parts(tmp_path):
    from torch.utils.tensorboard.writer import SummaryWriter

    for part, values in {"train": (2.0, 1.0), "validation": (2.5, 1.5)}.items():
        with SummaryWriter(str(tmp_path / "keras" / part)) as writer:
            for step, value in enumerate(values):
                writer.add_scalar("epoch_loss", value, step)
                writer.add_scalar("epoch_accuracy", value / 4, step)
    curves = read_history(tmp_path / "keras")
    assert curves.loss == (2.0, 1.0)
    assert curves.val_loss == (2.5, 1.5)
    assert curves.val_accuracy == (0.625, 0.375)
    with SummaryWriter(str(tmp_path / "ours")) as writer:
        for step in range(1, 9):
            writer.add_scalar("step/learning_rate", step / 8, step)
        for step in (4, 8):
            writer.add_scalar("loss/train", 1 / step, step)
            writer.add_scalar("loss/validation", 2 / step, step)
    curves = read_history(tmp_path / "ours")
    assert curves.loss == (0.25, 0.125)
    assert curves.val_loss == (0.5, 0.25)
    assert curves.learning_rate == (0.5, 1.0)


def record(epoch: int, loss: float) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        step=10 * epoch,
        learning_rate=0.1,
        loss=loss,
        train_accuracy=Proportion(90, 100),
        train_loss=loss,
        validation_accuracy=Proportion(160, 200),
        validation_loss=loss,
        seconds=1.0,
        images_per_second=1.0,
    )


def test_a_run_folder(tmp_path):
    lines = [
        json.dumps(epoch_to_json(record(n, v))) for n, v in ((1, 2.0), (2, math.nan))
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "classes.json").write_text('["a", "b", "c"]')
    claim = {"metric": "error_percent", "value": 8.75}
    values = {"schedule": {"total_epochs": 5}, "claim": claim}
    recipe = {"name": "r", "values": values, "origin": {"a.b": "user", "c": "recipe"}}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    (tmp_path / "best.keras").touch()
    curves = read_history(tmp_path)
    assert curves.loss[0] == 2.0
    assert math.isnan(curves.loss[1])
    assert (curves.val_accuracy, curves.validation_count) == ((0.8, 0.8), 200)
    assert (curves.num_classes, curves.steps_per_epoch) == (3, 10)
    assert (curves.recipe, curves.changed) == ("r", ("a.b",))
    assert (curves.total_epochs, curves.claim_percent) == (5, 91.25)
    assert curves.kept_best
    assert repr(read_history(tmp_path / "metrics.jsonl")) == repr(curves)
    assert len(curves.train_loss) == 2
    values["loss"] = {"kind": "Distillation", "label_smoothing": 0.1}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    taught = read_history(tmp_path)
    assert taught.train_loss == ()  # not the loss trained on: nothing to compare
    assert taught.label_smoothing == 0.1


@pytest.mark.parametrize(
    ("given", "accuracy"),
    [
        ({"loss": [1], "acc": [0.5]}, (0.5,)),
        ({"loss": [1, 2], "accuracy": [50.0, 75.0]}, (0.5, 0.75)),
        ({"loss": [1], "sparse_categorical_accuracy": [0.25]}, (0.25,)),
    ],
)
def test_other_spellings(given, accuracy):
    assert read_history(given).accuracy == accuracy


def test_an_epoch_logged_twice_counts_as_last_written(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch;loss\n0;3.0\n1;2.0\n1;1.5\n2;NA\n")
    loss = read_history(path).loss
    assert loss[:2] == (3.0, 1.5)
    assert math.isnan(loss[2])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", ""),
        ("b.json", "[1]"),
        ("c.json", "{"),
        ("d.csv", "epoch,x\n0,1\n"),
        ("e.csv", None),
    ],
)
def test_what_is_no_history_says_so(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=r"expected a run folder|holds no loss"):
        read_history(tmp_path / name)


def test_nothing_to_read(tmp_path):
    with pytest.raises(DataError, match="holds neither"):
        read_history(tmp_path)
    with pytest.raises(DataError, match="got int"):
        read_history(3)
    with pytest.raises(DataError, match="holds no loss"):
        read_history(types.SimpleNamespace(history={}))
