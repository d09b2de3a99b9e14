"""What `train` accepts and refuses."""

import json

import keras
import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

import residency as rs
from residency import run as run_module
from residency.data import frames
from residency.engine.checkpoint import checkpoints
from residency.errors import ConfigError, DataError, EngineError, ExportError
from residency.models import load_model

QUICK = {"schedule__total_epochs": 1, "progress": False}


def arrays(count=30, classes=3):
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    return random.integers(0, 256, (count, 8, 8, 3)).astype("uint8"), labels


def test_arrays_and_the_record_of_a_run(tmp_path):
    run = rs.train("cifar_resnet20", arrays(), "quick/digits", tmp_path, **QUICK)
    recorded = json.loads((run.folder / "recipe.json").read_text())
    assert recorded["origin"]["schedule.total_epochs"] == "user"
    assert recorded["origin"]["optimizer.momentum"] == "default"
    plan = json.loads((run.folder / "plan.json").read_text())
    assert plan["parameters"] == run.model.count_params()
    assert len(plan["decayed"]) == len(run.model.trainable_variables)
    environment = json.loads((run.folder / "environment.json").read_text())
    assert environment["versions"]["keras"] == keras.__version__


def test_without_validation_and_test(tmp_path):
    run = rs.train(
        None,
        arrays(),
        "quick/digits",
        tmp_path,
        data__validation=0.0,
        data__test=0.0,
        **QUICK,
    )
    assert run.evaluations == ()
    assert run.history[0].validation_accuracy is None
    for name in ("best.keras", "last.keras", "report.html"):
        assert (run.folder / name).exists()


def test_a_given_data_set_is_split_as_it_was_loaded(tmp_path):
    data = rs.data.load("digits", image_size=8, seed=5)
    run = rs.train(None, data, "quick/digits", tmp_path, **QUICK)
    again = rs.resume(run.folder, progress=False)  # the source is loaded by its name
    assert again.evaluations == run.evaluations


def test_a_run_keeps_its_images_where_it_kept_them(tmp_path, monkeypatch):
    """By the free memory of the moment, a resume would leave out others."""
    for number in range(18):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (number, 0, 0)).save(path)
    run = rs.train(
        "cifar_resnet20",
        tmp_path / "photos",
        "quick/digits",
        tmp_path,
        data__image_size=8,
        **QUICK,
    )
    monkeypatch.setattr(frames, "available_memory", lambda: 0)
    rs.resume(run.folder, progress=False)
    plan = json.loads((run.folder / "plan.json").read_text())
    assert plan["cache"] == "memory"
    assert plan["memory"].endswith("kept in memory")


def test_a_resume_stays_in_its_run_when_the_link_moves_on(tmp_path):
    run = rs.train(None, arrays(), "quick/digits", tmp_path, **QUICK)
    again = rs.resume(
        tmp_path / "latest", data=rs.data.load(arrays(), image_size=16), progress=False
    )
    assert again.folder == run.folder


def test_a_precision_the_device_has_not_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(EngineError, match="needs a CUDA GPU"):
        rs.train(None, arrays(), "quick/digits", tmp_path, precision="float16", **QUICK)
    assert not [*tmp_path.iterdir()]


def test_wrong_number_of_outputs_is_refused_before_anything_is_written(tmp_path):
    model = rs.models.build("cifar_resnet20", num_classes=4, image_size=8)
    with pytest.raises(EngineError, match="has 4 outputs, arrays has 3 classes"):
        rs.train(model, arrays(), "quick/digits", tmp_path, data__image_size=8, **QUICK)
    assert not list(tmp_path.iterdir())


def test_an_existing_run_is_not_overwritten(tmp_path):
    first = rs.train(None, arrays(), "quick/digits", tmp_path, name="a", **QUICK)
    with pytest.raises(ExportError, match="holds a run already"):
        rs.train(None, arrays(), "quick/digits", tmp_path, name="a", **QUICK)
    assert (first.folder / "best.keras").exists()


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    run = rs.train(
        None,
        arrays(600),
        "quick/digits",
        tmp_path,
        optimizer__learning_rate=1e12,
        data__batch_size=4,
        schedule__total_epochs=2,
        progress=False,
    )
    assert "not finite" in run.stopped
    assert (run.folder / "report.html").exists()


def test_unknown_fields_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"Did you mean 'optimizer\.learning_rate'"):
        rs.train(None, arrays(), "quick/digits", tmp_path, optimizer__lr=1)


def test_in_memory_data_must_be_given_again(tmp_path):
    run = rs.train(None, arrays(), "quick/digits", tmp_path, **QUICK)
    with pytest.raises(EngineError, match="arrays in memory"):
        rs.resume(run.folder)
    with pytest.raises(EngineError, match=r"takes images of \(16, 16, 3\)"):
        rs.resume(run.folder, data=rs.data.load(arrays()))
    data = rs.data.load(arrays(), image_size=16)
    assert rs.resume(run.folder, data=data, progress=False).history == run.history


def own_model(*, built=True, **dense):
    layers = [keras.layers.Flatten(), keras.layers.Dense(3, **dense)]
    start = [keras.Input((8, 8, 3))] if built else []
    return keras.Sequential([*start, *layers], name="mine")


def test_a_users_own_model_is_named_as_such(tmp_path):
    model = own_model(activation="softmax")
    run = rs.train(
        model, arrays(), "quick/digits", tmp_path, data__image_size=8, **QUICK
    )
    recorded = json.loads((run.folder / "recipe.json").read_text())
    assert recorded["values"]["model"]["name"] == "mine"
    assert recorded["origin"]["model.name"] == "user"
    data = rs.data.load(arrays(), image_size=8)
    assert rs.resume(run.folder, data=data, progress=False).history == run.history


def test_a_model_that_is_not_built_is_refused(tmp_path):
    with pytest.raises(EngineError, match="not built"):
        rs.train(own_model(built=False), arrays(), "quick/digits", tmp_path, **QUICK)


def test_a_model_that_cannot_be_loaded_again_is_told_before_training(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Lambda(lambda images: images / 255)(inputs)
    model = keras.Model(inputs, own_model()(x))
    with pytest.raises(ExportError, match="Lambda"):
        rs.train(model, arrays(), "quick/digits", tmp_path, data__image_size=8, **QUICK)
    assert not list(tmp_path.rglob("metrics.jsonl"))


def test_a_short_diverged_run_is_told(tmp_path):
    run = rs.train(
        None,
        arrays(),
        "quick/digits",
        tmp_path,
        optimizer__learning_rate=1e30,
        schedule__total_epochs=3,
        progress=False,
    )
    assert "not finite at step" in run.stopped
    assert "layer" in run.stopped
    last, _ = load_model(run.folder / "last.keras")
    assert all(np.isfinite(v.numpy()).all() for v in last.variables)
    [newest, *_] = checkpoints(run.folder / "checkpoints")[::-1]
    with safe_open(str(newest), "np") as file:
        kept = [file.get_tensor(key) for key in file.keys()]  # noqa: SIM118
    assert all(np.isfinite(each).all() for each in kept)


def test_a_checkpoint_at_the_last_step_does_not_lose_the_last_epoch(tmp_path):
    settings = {**QUICK, "checkpoint_minutes": 0.0, "name": "run"}
    run = rs.train(None, arrays(), "quick/digits", tmp_path, **settings)
    newest = sorted((run.folder / "checkpoints").glob("step-*"))[-1]
    newest.unlink()  # as if the process had been killed just before it was written
    data = rs.data.load(arrays(), image_size=16)
    again = rs.resume(run.folder, data=data, progress=False)
    assert [r.epoch for r in again.history] == [1]


def test_resume_refuses_another_split_and_what_is_no_data_set(tmp_path):
    data = rs.data.load(arrays(), image_size=16, seed=1)
    run = rs.train(None, data, "quick/digits", tmp_path, **QUICK)
    with pytest.raises(DataError, match=r"images .* are in another part than when"):
        rs.resume(run.folder, data=rs.data.load(arrays(), image_size=16, seed=2))
    images, labels = arrays()
    other = rs.data.load((images ^ 1, labels), image_size=16)
    with pytest.raises(DataError, match="changed in content"):
        rs.resume(run.folder, data=other)
    with pytest.raises(
        DataError, match=r"as residency\.data\.load returns it, got tup"
    ):
        rs.resume(run.folder, data=arrays())
    assert rs.resume(run.folder, data=data, progress=False).history == run.history


def test_names_and_places_are_looked_at_before_the_images(tmp_path, monkeypatch):
    monkeypatch.setattr(run_module, "open_data", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="plain folder name"):
        rs.train(None, arrays(), "quick/digits", tmp_path, name="a/b", **QUICK)
    with pytest.raises(ExportError, match="cannot be written"):
        rs.train(None, arrays(), "quick/digits", tmp_path / "file", **QUICK)
