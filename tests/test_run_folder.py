"""Names and places of run folders, and what counts as the same data."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import residency as rs
from residency.data.splits import Placed
from residency.engine.distributed import Processes
from residency.errors import ConfigError, DataError, EngineError, ExportError
from residency.models import Contract
from residency.models.weights import LayerLoad, LoadReport
from residency.recipes import resolve
from residency.run_folder import (
    create_run_folder,
    is_run_folder,
    itself,
    occupied,
    read_cache,
    read_load_report,
    read_recipe,
    require_free,
    require_same_data,
)

RESOLVED = resolve("quick/digits", {})


@pytest.fixture(scope="module")
def dataset():
    labels = np.arange(20) % 2
    return rs.data.load((np.zeros((20, 8, 8), np.uint8), labels))


def test_two_runs_in_one_second(tmp_path, dataset, monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda form: "20260101-120000")
    folders = [create_run_folder(tmp_path, None, RESOLVED, dataset) for _ in range(3)]
    plain = "20260101-120000-quick-digits"
    assert [f.name for f in folders] == [plain, f"{plain}-2", f"{plain}-3"]
    assert all(map(is_run_folder, folders))
    assert (tmp_path / "latest").resolve() == folders[2].resolve()


def test_what_became_of_each_layer_is_kept(tmp_path, dataset, caplog):
    layers = (LayerLoad(layer="conv1", status="matched", source=("conv.weight",)),)
    load = LoadReport(file="a.pth", model="net", origin="timm", layers=layers)
    with_load = create_run_folder(tmp_path, "a", RESOLVED, dataset, load)
    assert read_load_report(with_load) == load
    without = create_run_folder(tmp_path, "b", RESOLVED, dataset)
    assert read_load_report(without) is None
    for damaged in ("{", "[]", '{"file": "a.pth"}'):
        (with_load / "weights.json").write_text(damaged, encoding="utf-8")
        assert read_load_report(with_load) is None
    assert caplog.text.count("weights.json cannot be read") == 3


@pytest.mark.parametrize("name", ["a/b", "a/", "", ".", "..", "latest", "a\\b"])
def test_a_name_is_one_folder(name, tmp_path):
    with pytest.raises(ConfigError, match="expected a plain folder name"):
        require_free(tmp_path, name)


def test_where_nothing_can_be_made(tmp_path):
    require_free(tmp_path / "not" / "there" / "yet", "first try")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"cannot be written .*file: a file"):
        require_free(tmp_path / "file" / "runs", None)


def test_a_name_in_use(tmp_path, dataset):
    create_run_folder(tmp_path, "a", RESOLVED, dataset)
    with pytest.raises(ExportError, match="holds a run already"):
        require_free(tmp_path, "a")


def test_the_split_is_readable(tmp_path, dataset):
    folder = create_run_folder(tmp_path, "a", RESOLVED, dataset)
    samples = json.loads((folder / "split.json").read_text())["samples"]
    assert samples["train"]["0"]["000000"] == "64-758d6336"  # CRC-32 of 64 zeros


def contract(**fields):
    given = {"class_names": ("0", "1"), "image_size": 8, "resize": "crop"}
    return Contract(**{**given, **fields})


def test_the_same_data(tmp_path, dataset):
    require_same_data(tmp_path, dataset.split, contract(), dataset)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"class_names": ("1", "0")}, "began with class_names 1, 0, these data have 0"),
        ({"image_size": 16}, "began with image_size 16, these data have 8"),
        ({"resize": "pad"}, "began with resize pad, these data have crop"),
    ],
)
def test_other_classes_and_frames(fields, words, tmp_path, dataset):
    with pytest.raises(DataError, match=words):
        require_same_data(tmp_path, dataset.split, contract(**fields), dataset)


def test_another_part_and_another_content(tmp_path, dataset):
    for change, words in (
        ({"part": "elsewhere"}, r"1 of 20 images \(000003\) are in another part"),
        ({"stamp": "64-00000000"}, r"1 image changed in content \(000003\)"),
    ):
        samples = dict(dataset.split.samples)
        assert isinstance(samples["000003"], Placed)
        samples["000003"] = replace(samples["000003"], **change)
        recorded = replace(dataset.split, samples=samples)
        with pytest.raises(DataError, match=words):
            require_same_data(tmp_path, recorded, contract(), dataset)


OCCUPY = """
import sys
from pathlib import Path
from residency.engine.distributed import Processes
from residency.run_folder import occupied
with occupied(Path(sys.argv[1]), Processes()):
    print("there", flush=True)
    sys.stdin.read()
"""


def test_one_training_at_a_time(tmp_path):
    pytest.importorskip("fcntl")
    command = (sys.executable, "-c", OCCUPY, str(tmp_path))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "there\n"
        held = pytest.raises(EngineError, match="another process trains in this run")
        with held, occupied(tmp_path, Processes()):
            pass
        with occupied(tmp_path, Processes(rank=1, size=2)):
            pass  # the first process holds it for all
        other.kill()
    with occupied(tmp_path, Processes()):
        assert (tmp_path / ".lock").exists()


def test_a_link_is_followed_once(tmp_path):
    (tmp_path / "first").mkdir()
    (tmp_path / "latest").symlink_to("first")
    assert itself(tmp_path / "latest") == itself(tmp_path / "first")


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"values": 3, "origin": {}}'])
def test_a_recipe_that_is_none(tmp_path, text):
    (tmp_path / "recipe.json").write_text(text)
    with pytest.raises((EngineError, ConfigError), match=r"[Rr]ecipe"):
        read_recipe(tmp_path)
    (tmp_path / "recipe.json").write_text("[" * 100_000)
    with pytest.raises(EngineError, match=r"no readable recipe\.json"):
        read_recipe(tmp_path)


def test_where_images_were_kept(tmp_path):
    assert read_cache(tmp_path) is None
    (tmp_path / "plan.json").write_text('{"cache": "stream"}')
    assert read_cache(tmp_path) == "stream"
    for damaged in ("{", "[]", "{}", '{"cache": 3}'):
        (tmp_path / "plan.json").write_text(damaged)
        assert read_cache(tmp_path) is None
