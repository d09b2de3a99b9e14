"""The doctor on runs, model files and scripts, and its command."""

import json

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import residency as rs
from residency.cli.app import app
from residency.diagnosing import diagnose_subject
from residency.doctor import Diagnosis, before_training
from residency.errors import ConfigError, DataError
from residency.models import build
from residency.recipes import get_recipe
from residency.records import Finding

SICK = """
import keras
opt = keras.optimizers.Adam(1e-7)
model = keras.Sequential([keras.layers.Dense(4, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, steps_per_epoch=2000 / 20)
"""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Twenty-four photos of each of two colours."""
    root = tmp_path_factory.mktemp("work") / "photos"
    random = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green")):
        (root / name).mkdir(parents=True)
        for number in range(24):
            pixels = random.integers(0, 120, (20, 20, 3))
            pixels[..., channel] += 100
            Image.fromarray(pixels.astype("uint8")).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def run(photos):
    settings = {"data__image_size": 16, "data__batch_size": 8}
    return rs.train(
        "cifar_resnet20",
        str(photos),
        "quick/photos",
        photos.parent / "runs",
        name="run",
        progress=False,
        schedule__total_epochs=2,
        **settings,
    )


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "train.py"
    path.write_text(SICK, encoding="utf-8")
    return path


def test_a_script_is_read_and_its_faults_have_places(script):
    found = diagnose_subject(script)
    assert {"config_not_applied"} <= {f.label for f in found}
    assert all(f.source.startswith("train.py:") for f in found)


def test_a_script_is_said_to_be_read_and_not_run(script):
    script.write_text("import keras\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["diagnose", str(script)])
    assert done.output.splitlines()[0] == "No fault found in what could be checked."
    assert done.output.splitlines()[-1].startswith("Read, not run: ")


def test_data_tell_nothing_of_a_script(script):
    with pytest.raises(ConfigError, match="--data"):
        diagnose_subject(script, "photos")


def test_a_folder_of_images_is_no_run(photos):
    with pytest.raises(ConfigError, match=r"no run\. .* --data "):
        diagnose_subject(photos)


def test_a_file_that_was_never_compiled(photos, tmp_path):
    """Keras writes `{}` for its settings: it was compiled with RMSprop and no loss."""
    model = build("cifar_resnet20", num_classes=2, image_size=16)
    model.save(tmp_path / "model.keras")
    found = diagnose_subject(tmp_path / "model.keras", str(photos), budget_seconds=2)
    assert "not compiled" in found.notes[0]
    by_recipe = diagnose_subject(
        tmp_path / "model.keras", str(photos), recipe="quick/photos", budget_seconds=2
    )
    assert by_recipe.notes == ()
    assert len(by_recipe.not_checked) < len(found.not_checked)


def test_what_first_weights_told_is_repeated_after_the_run(photos):
    """In two steps at momentum 0.9 moving statistics go 19 % of the way."""
    run = rs.train(
        "cifar_resnet20",
        str(photos),
        "quick/photos",
        photos.parent / "runs",
        name="short",
        progress=False,
        schedule__total_epochs=1,
        data__image_size=16,
        data__batch_size=32,
    )
    before = json.loads((run.folder / "diagnosis.json").read_text(encoding="utf-8"))
    (said,) = [f for f in before["findings"] if f["code"] == "RD405"]
    found = diagnose_subject(run.folder, budget_seconds=3)
    (again,) = [f for f in found if f.code == "RD405"]
    assert (again.title, again.severity) == (said["title"], "warning")
    assert again.source == "short, at its start"
    assert "moving statistics get enough steps" not in found.healthy
    (run.folder / "diagnosis.json").write_text("{", encoding="utf-8")
    assert "RD405" not in {
        f.code for f in diagnose_subject(run.folder, budget_seconds=2)
    }


def test_a_run_knows_its_data_and_stays_as_it_is(run):
    model = (run.folder / "best.keras").read_bytes()
    found = diagnose_subject(run.folder, budget_seconds=5)
    assert [f for f in found if f.severity == "error"] == []
    assert (run.folder / "best.keras").read_bytes() == model


def test_a_model_file_needs_data(run, photos, tmp_path):
    path = tmp_path / "own.keras"
    path.write_bytes((run.folder / "best.keras").read_bytes())
    with pytest.raises(DataError, match="--data"):
        diagnose_subject(path)
    assert diagnose_subject(path, str(photos), budget_seconds=2).subject


def test_what_is_not_there_is_named():
    with pytest.raises(ConfigError, match="nowhere"):
        diagnose_subject("nowhere.keras")


def test_the_command_prints_json_writes_a_page_and_tells_by_its_status(
    script, tmp_path
):
    page = tmp_path / "page.html"
    arguments = ["diagnose", str(script), "--json", "--html", str(page)]
    done = CliRunner().invoke(app, arguments)
    found = json.loads(done.output)
    assert done.exit_code == any(f["severity"] == "error" for f in found["findings"])
    assert found["findings"][0]["title"] in page.read_text(encoding="utf-8").replace(
        "<code>", "`"
    ).replace("</code>", "`").replace("&#39;", "'")


def test_our_data_sets_bring_their_validation_part(photos):
    data = rs.data.load(str(photos), image_size=16)
    net = build("cifar_resnet20", num_classes=2, image_size=16)
    found = rs.diagnose(net, data, recipe="quick/photos", budget_seconds=4)
    assert [f for f in found if f.severity == "error"] == []
    with pytest.raises(ConfigError, match="budget_seconds"):
        rs.diagnose(net, data, budget_seconds=0)


def test_cures_are_tried_on_request(run, script, tmp_path, monkeypatch):
    """A run's network at a rate a thousand times too high; a script has no network."""
    model = keras.saving.load_model(run.folder / "best.keras")
    model.compile(keras.optimizers.SGD(300.0), "sparse_categorical_crossentropy")
    path, page = tmp_path / "fast.keras", tmp_path / "page.html"
    model.save(path)
    suspected = Finding(
        code="RD301",
        label="lr_too_high",
        severity="warning",
        title="The rate is high.",
        evidence={"lower_rate": 0.05},
        why="The loss explodes.",
        cure="A lower rate.",
        confidence=0.9,
    )
    found = Diagnosis(
        findings=(suspected,), healthy=(), not_checked=(), subject="net", seconds=0.0
    )
    monkeypatch.setattr("residency.diagnosing.diagnose", lambda *_, **__: found)
    data = str(run.folder.parents[1] / "photos")
    command = ["diagnose", str(path), "--data", data, "--try", "--html", str(page)]
    done = CliRunner().invoke(app, [*command, "--budget", "15"])
    assert done.exit_code == 0
    assert "tried: a rate of 0.05: helped, confirmed" in done.output
    assert "<polyline" in page.read_text(encoding="utf-8")
    assert diagnose_subject(path, data) == found
    with pytest.raises(ConfigError, match="--try"):
        diagnose_subject(script, trying=True)


def test_one_sigmoid_unit_is_trained_with_binary_crossentropy(photos):
    data = rs.data.load(str(photos), image_size=16)
    net = build("cifar_resnet20", num_classes=2, image_size=16)
    inputs = net.inputs
    features = net.get_layer("predictions").input
    unit = keras.layers.Dense(1, activation="sigmoid")(features)
    found = before_training(keras.Model(inputs, unit), data, get_recipe("quick/photos"))
    assert [f for f in found if f.severity != "advice"] == []


def test_planned_epochs_tell_whether_statistics_get_enough_steps(photos, tmp_path):
    """Twelve steps of momentum 0.9 go 72 % of the way, 600 all of it."""
    model = build("cifar_resnet20", num_classes=2, image_size=16)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.save(tmp_path / "model.keras")
    found = {}
    for epochs in (None, 12, 600):
        diagnosis = diagnose_subject(
            tmp_path / "model.keras", str(photos), epochs=epochs, budget_seconds=2
        )
        found[epochs] = "RD405" in {finding.code for finding in diagnosis.findings}
    assert found == {None: False, 12: True, 600: False}
