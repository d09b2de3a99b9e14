"""Transfer from one small set of images to another, as `train` does it."""

import json

import numpy as np
import pytest
from PIL import Image

import residency as rs
from residency.errors import ConfigError
from residency.finetuning import read_weights
from residency.models import Contract, build, load_model, save_model
from residency.recipes import resolve
from residency.records import record_to_json
from residency.training import Finetune

QUICK = {"data.image_size": 16, "data.batch_size": 16, "model": "cifar_resnet20"}


def arrays(count, classes, seed=0):
    """Returns images whose class is the brightest of their channels or quarters."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    images = random.integers(0, 120, (count, 16, 16, 3))
    images[np.arange(count), :, :, labels] += 100
    return images.astype("uint8"), labels


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A network that tells three colours apart, trained a little."""
    out = tmp_path_factory.mktemp("runs")
    run = rs.train(
        None,
        arrays(240, 3),
        "quick/digits",
        out,
        name="source",
        progress=False,
        schedule__total_epochs=5,
        data__batch_size=16,
        optimizer__learning_rate=0.02,
    )
    return run.folder / "best.keras"


def finetune(data, weights, out, recipe="finetune/head", **changes):
    settings = {
        "model.name": "cifar_resnet20",
        "model.weights": str(weights),
        "data.image_size": 16,
        "data.transforms": "RandomFlip",
        "optimizer.learning_rate": 0.03,
        **changes,
    }
    return rs.train(None, data, recipe, out, changes=settings, progress=False)


def test_a_head_for_other_classes_on_a_frozen_body(weights, tmp_path):
    run = finetune(arrays(80, 2), weights, tmp_path, **{"schedule.total_epochs": 12})
    assert run.model.output_shape == (None, 2)
    assert run.evaluations[-1].accuracy.rate > 0.9
    source, _ = load_model(weights)
    last, contract = load_model(run.folder / "last.keras")
    for a, b in zip(source.variables, last.variables, strict=True):
        if not a.path.startswith("predictions"):
            assert np.array_equal(a.numpy(), b.numpy()), a.path
    layer = source.get_layer("preprocessing")
    assert np.allclose(last.get_layer("preprocessing").scale, layer.scale)
    assert contract.preprocessing == "the weights' own"
    recorded = json.loads((run.folder / "recipe.json").read_text())
    assert recorded["values"]["model"]["weights"] == str(weights)
    assert recorded["origin"]["model.weights"] == "user"
    plan = json.loads((run.folder / "plan.json").read_text())
    [phase] = plan["phases"]
    assert phase["feature_passes"] == 1
    assert phase["feature_bytes"] == plan["images"]["train"] * 64 * 4
    assert phase["trains"][0]["parameters"] == 64 * 2 + 2
    assert plan["exempt"] == ["predictions/bias"]
    load = json.loads((run.folder / "weights.json").read_text())
    became = {layer["layer"]: layer["status"] for layer in load["layers"]}
    carrying = {layer.name for layer in run.model.layers if layer.weights}
    assert {n for n, status in became.items() if status == "new"} == {"predictions"}
    assert {n for n, s in became.items() if s == "matched"} == carrying - {
        "predictions"
    }
    assert plan["weights"].startswith(str(weights))


def test_one_sigmoid_unit_from_training_to_prediction(weights, tmp_path):
    images, labels = arrays(80, 2)
    run = finetune(
        (images, labels),
        weights,
        tmp_path,
        **{
            "model.head": "Head",
            "model.head.output": "sigmoid",
            "schedule.total_epochs": 12,
        },
    )
    assert run.model.output_shape == (None, 1)
    evaluation = rs.evaluate(
        run, rs.data.load((images, labels), image_size=16, resize="stretch")
    )
    assert evaluation.accuracy.rate > 0.9
    assert [len(row) for row in evaluation.confusion] == [2, 2]
    picture = tmp_path / "0.png"
    Image.fromarray(images[1]).save(picture)
    [prediction], _ = rs.predict(run, picture)
    second = float(run.model.predict(images[1:2].astype("float32"), verbose=0)[0, 0])
    assert dict(prediction.top)["1"] == pytest.approx(second, abs=1e-5)
    assert sum(dict(prediction.top).values()) == pytest.approx(1)


def test_gradually_more_trains(weights, tmp_path):
    run = finetune(
        arrays(80, 2),
        weights,
        tmp_path,
        "finetune/gradual",
        **{
            "finetune.head_epochs": 2,
            "schedule.total_epochs": 4,
            "finetune.freeze": "conv1",
        },
    )
    source, _ = load_model(weights)
    last, _ = load_model(run.folder / "last.keras")
    moved = {
        a.path.split("_")[0]
        for a, b in zip(source.variables, last.variables, strict=True)
        if a.shape == b.shape and not np.array_equal(a.numpy(), b.numpy())
    }
    assert moved == {"conv2", "conv3", "conv4"}
    first, then = json.loads((run.folder / "plan.json").read_text())["phases"]
    assert [stage["stage"] for stage in first["trains"]] == ["head"]
    assert [(s["stage"], s["rate"]) for s in then["trains"]] == [
        ("head", 1),
        ("conv4", 0.5),
        ("conv3", 0.25),
        ("conv2", 0.125),
    ]


def test_random_weights_are_not_fine_tuned(tmp_path):
    with pytest.raises(ConfigError, match=r"names none\. Pass --set model\.weights"):
        rs.train(None, arrays(20, 2), "finetune/head", tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("nett.keras", None, "Did you mean 'net.keras'"),
        ("net.keras", lambda content: content[: len(content) // 2], "end is missing"),
        (
            "net.pth",
            lambda content: b"cos\ngetcwd\n(tR.",
            "os.getcwd, which is refused",
        ),
        ("other.keras", None, "The file looks like 'cifar_resnet32'"),
    ],
)
def test_unfit_weights_are_told_before_the_data_are_read(
    weights, tmp_path, name, damage, message
):
    """There are no data at all here, and that is not what the error is about."""
    (tmp_path / "net.keras").write_bytes(weights.read_bytes())
    save_model(
        rs.models.build("cifar_resnet32", num_classes=3), tmp_path / "other.keras"
    )
    if damage is not None:
        (tmp_path / name).write_bytes(damage(weights.read_bytes()))
    with pytest.raises(rs.errors.ResidencyError, match=message):
        finetune(str(tmp_path / "no data"), tmp_path / name, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_published_weights_that_are_none_are_told_before_the_data_are_read(tmp_path):
    with pytest.raises(ConfigError, match="no published ImageNet weights of 'cifar"):
        finetune(str(tmp_path / "no data"), "imagenet", tmp_path / "runs")


def test_the_early_look_says_nothing(weights, caplog):
    """Else the user would be told of a new head twice."""
    changes = {"model.name": "cifar_resnet20", "model.weights": str(weights)}
    recipe = resolve("finetune/head", {**changes, "data.image_size": 16}).recipe
    file = read_weights(recipe)
    assert file is not None
    assert file.path == weights
    assert caplog.text == ""


def test_unknown_stages_are_told_before_the_data_are_read(weights, tmp_path):
    runs = tmp_path / "runs"
    with pytest.raises(ConfigError, match="Did you mean 'conv4'"):
        finetune(
            str(tmp_path / "no data"), weights, runs, **{"finetune.freeze": "convs4"}
        )
    assert not runs.exists()


def test_unknown_stages_are_told_before_anything_is_written(weights, tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'conv4'"):
        finetune(arrays(20, 2), weights, tmp_path, **{"finetune.freeze": "convs4"})
    assert not list(tmp_path.iterdir())


def test_a_pupil_of_a_teacher(weights, tmp_path):
    """Its classes have other numbers there; features are not kept, as the teacher
    needs images."""
    images, labels = arrays(60, 3)
    run = rs.train(
        None,
        (images, labels),
        "quick/digits",
        tmp_path,
        progress=False,
        changes={
            "loss": "Distillation",
            "loss.teacher": str(weights),
            "schedule.total_epochs": 1,
        },
    )
    assert np.isfinite(run.history[0].loss)
    told = json.loads((run.folder / "plan.json").read_text())["distillation"]
    assert told["teacher"] == str(weights)
    taught = run.evaluations[0].teacher
    assert told["accuracy"] == record_to_json(taught.accuracy)
    assert taught.accuracy.rate > 0.9
    assert taught.agreement.total == run.evaluations[0].accuracy.total
    again = finetune(
        (images, labels),
        weights,
        tmp_path,
        **{
            "loss": "Distillation",
            "loss.teacher": str(weights.parent.parent / "latest"),
            "schedule.total_epochs": 1,
        },
    )
    plan = json.loads((again.folder / "plan.json").read_text())
    assert "feature_passes" not in plan["phases"][0]
    recorded = json.loads((again.folder / "recipe.json").read_text())
    assert recorded["values"]["loss"]["teacher"] == str(weights.parent)


def test_a_frozen_model_of_the_callers_own(weights, tmp_path):
    model, contract = load_model(weights)
    save_model(model, tmp_path / "own.keras", contract)
    before = [v.numpy().copy() for v in model.get_layer("conv1_bn").variables]
    rs.train(
        model,
        arrays(60, 3),
        "quick/digits",
        tmp_path,
        progress=False,
        changes={"finetune": Finetune(), "schedule.total_epochs": 1},
    )
    after = [v.numpy() for v in model.get_layer("conv1_bn").variables]
    assert all(map(np.array_equal, before, after))


def test_the_plan_shows_what_trains_before_it_does(weights, tmp_path, capsys):
    settings = {
        "model.name": "cifar_resnet20",
        "model.weights": str(weights),
        "data.image_size": 16,
        "data.transforms": "RandomFlip",
        "finetune.head_epochs": 1,
        "finetune.freeze": "conv1,conv2,conv3,conv4_block1_1_conv",
        "finetune.batch_norm": "stage",
        "schedule.total_epochs": 1,
    }
    rs.train(None, arrays(40, 2), "finetune/gradual", tmp_path, changes=settings)
    lines = capsys.readouterr().out.splitlines()
    first, then = [line for line in lines if line.startswith("trains")]
    assert first == (
        "trains  from epoch 1, 130 parameters: head; batch normalization: 0 layers "
        "train, 19 stay; on features kept of 1 pass, 0.0 MB"
    )
    # five convolutions of 3x3x64x64, six batch normalizations of 64
    assert then == (
        f"trains  from epoch 2, {130 + 5 * 9 * 64 * 64 + 6 * 2 * 64:,} parameters: "
        "head, 11 layer(s) of conv4 (rate x 0.5); batch normalization: 6 layers "
        "train, 13 stay; never, as the training ends before"
    )


@pytest.mark.parametrize("recipe", ["finetune/head", "quick/digits"])
def test_the_doctor_looks_at_what_the_first_phase_trains(recipe, tmp_path):
    """Statistics at their first values: a fault, unless frozen layers have them."""
    random, fresh = (
        tmp_path / "random.keras",
        build("cifar_resnet20", num_classes=2, image_size=16),
    )
    save_model(fresh, random, Contract(class_names=("0", "1"), image_size=16))
    settings = {"schedule.total_epochs": 1}
    run = finetune(arrays(40, 2), random, tmp_path, recipe, **settings)
    found = json.loads((run.folder / "diagnosis.json").read_text())["findings"]
    codes = {finding["code"] for finding in found}
    assert ("RD405" in codes) == (recipe == "quick/digits")
