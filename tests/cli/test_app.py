"""The command itself: whatever the user gets wrong is one line and exit status 2."""

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import residency as rs
from residency import __version__
from residency.cli import main

TRAIN = ("train", "quick/photos", "--data")
TINY = (
    *("--model", "cifar_resnet20", "--set", "data.image_size=32"),
    *("--set", "data.batch_size=8", "--set", "schedule.total_epochs=1"),
)


def write_photos(folder: Path, classes=("cat", "dog"), count=8) -> Path:
    rng = np.random.default_rng(0)
    for label in classes:
        (folder / label).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (40, 48, 3), np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with `photos` and a finished run on them, `runs/one`."""
    here = tmp_path_factory.mktemp("trained")
    photos = write_photos(here / "photos")
    settings = {"data.image_size": 32, "data.batch_size": 8, "schedule.total_epochs": 1}
    rs.train(
        "cifar_resnet20",
        str(photos),
        out=here / "runs",
        name="one",
        changes=settings,
        progress=False,
    )
    return here


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A working folder with photos, and a few things that are none."""
    monkeypatch.chdir(tmp_path)
    write_photos(Path("photos"))
    write_photos(Path("birds"), ("heron", "stork"), 1)
    write_photos(Path("one"), ("cat",), 2)
    Path("empty").mkdir()
    Path("notes.txt").write_text("no such thing")
    Path("cifar.tar.gz").write_bytes(b"\x1f\x8b\x08 cut off")
    return tmp_path


@pytest.fixture
def residency(monkeypatch, capsys):
    """Runs a command line in this process; returns exit status, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["residency", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return ended.value.code, printed.out, printed.err

    return run


def is_one_line(error: str, *words: str) -> bool:
    return (
        error.startswith("error: ")
        and error.count("\n") == 1
        and all(word in error for word in words)
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train",), ["expected a recipe"]),
        (("train", "quick/fotos"), ["Did you mean 'quick/photos'?"]),
        ((*TRAIN, "photos", "--model", "resnet5"), ["Did you mean 'resnet50'?"]),
        ((*TRAIN, "photos", "--set", "optimizer.lr=1"), ["'optimizer.learning_rate'"]),
        ((*TRAIN, "photos", "--set", "seed=many"), ["expected int", "'many'"]),
        ((*TRAIN, "photos", "--set", "seed"), ["expected path=value"]),
        ((*TRAIN, "photos", "--set", "data.transforms={"), ["data.transforms", "JSON"]),
        ((*TRAIN, "photos", "--name", "a/b"), ["name", "a plain folder name"]),
        ((*TRAIN, "fotos"), ["no such file or folder", "Did you mean 'photos'?"]),
        ((*TRAIN, "empty"), ["no images found", "holds nothing"]),
        ((*TRAIN, "one"), ["one class only (cat)"]),
        ((*TRAIN, "photos/cat/0.png"), ["is one image", "residency predict"]),
        ((*TRAIN, "cifar.tar.gz"), ["cannot be read as an archive"]),
        ((*TRAIN, "photos", "--out", "notes.txt", *TINY), ["cannot be written"]),
        (("train", "finetune/head", "--data", "photos"), ["model.weights=FILE"]),
        (("list", "models", "--trainable", "vgg1"), ["Did you mean 'vgg1"]),
        (("resume", "photos"), ["no run folder"]),
        (("evaluate", "photos"), ["photos"]),
        (("evaluate", "notes.txt"), ["expected a .keras file"]),
        (("predict", "runs/none", "photos"), ["runs/none"]),
        (("report", "photos"), ["photos"]),
        (("data", "inspect", "fotos"), ["Did you mean 'photos'?"]),
        (("data", "show", "fotos"), ["Did you mean 'photos'?"]),
        (("data", "split", "photos", "--out", "notes.txt/a.json"), ["be written"]),
        (("data", "inspect", "photos", "--out", "notes.txt"), ["be written"]),
        (("data", "show", "photos", "--out", "notes.txt/a.png"), ["be written"]),
    ],
    ids=lambda value: " ".join(value)[:60],
)
def test_a_mistake_is_one_line(arguments, words, here, residency):
    status, _, error = residency(*arguments)
    assert status == 2
    assert is_one_line(error, *words), error


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("evaluate {run} --data birds", ["heron", "not among the model's"]),
        ("evaluate {run} --part tset", ["has no tset part", "train, validation"]),
        ("predict {run} photos/*.jpg", ["no image is there"]),
        ("predict {run} photos --csv notes.txt/a.csv", ["cannot be written"]),
        ("predict {run} photos --grid notes.txt/a.png", ["cannot be written"]),
    ],
)
def test_a_mistake_with_a_trained_model(command, words, trained, here, residency):
    status, _, error = residency(*command.format(run=trained / "runs/one").split())
    assert status == 2
    assert is_one_line(error, *words), error


def test_resume_says_what_changed_in_the_data(trained, here, residency):
    moved = here / "again"
    settings = [*TINY, "--out", moved, "--name", "run"]
    assert residency(*TRAIN, "photos", *settings)[0] == 0
    Path("photos/cat/0.png").unlink()
    status, _, error = residency("resume", moved / "run")
    assert status == 2
    assert is_one_line(error, "the data changed", "photos"), error


@pytest.mark.parametrize("writes", [0, 2, 6])
def test_a_full_disk_leaves_nothing_half_written(writes, here, residency, monkeypatch):
    really, left = os.fsync, [2 * writes]  # a file and its folder each

    def fsync(descriptor: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    status, _, error = residency(*TRAIN, "photos", *TINY, "--out", "runs")
    assert status == 2
    assert is_one_line(error, "No space left on device", "--out"), error
    assert [*Path("runs").rglob("*.tmp*")] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_behind_the_output_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "residency", "list", "recipes"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert is_one_line(done.stderr, "standard output", "No space left"), done.stderr


def test_a_closed_output_is_no_mistake():
    command = f"{sys.executable} -m residency list recipes >&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_error_of_the_system_keeps_its_words(residency, monkeypatch):
    def refused(*given, **named):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("residency.recipes.list_recipes", refused)
    assert residency("list", "recipes") == (2, "", "error: Connection refused.\n")


def test_a_name_too_long_and_too_large_images_are_one_line(residency, here):
    status, _, error = residency("evaluate", "a" * 300)
    assert status == 2
    assert is_one_line(error, "File name too long"), error


def test_the_version_and_the_help(residency):
    assert residency("--version") == (0, f"{__version__}\n", "")
    status, printed, _ = residency("--help")
    assert status == 0
    assert "train" in printed
    assert "predict" in printed


def test_the_installed_command_prints_one_line_too(here):
    done = subprocess.run(
        [sys.executable, "-m", "residency", *TRAIN, "fotos"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert is_one_line(done.stderr, "Did you mean 'photos'?"), done.stderr


@pytest.fixture(autouse=True)
def logging_as_before():
    """`main` sets logging up; the next test must not see it."""
    level, name = logging.root.level, logging.getLevelName(logging.WARNING)
    yield
    logging.root.setLevel(level)
    logging.addLevelName(logging.WARNING, name)


def test_what_trains_of_a_model(residency):
    table = ("list", "models", "--trainable", "cifar_resnet20", "--freeze")
    _, out, _ = residency(*table, "conv1,conv2", "--recipe", "finetune/gradual")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == [
        *("stage", "conv1", "conv2", "conv3", "conv4", "head")
    ]
    assert rows[1][3] == "frozen"
    assert rows[3][3:5] == ["from epoch 11", "x 0.25"]
    _, _, error = residency(*table, "conv9")
    assert is_one_line(error, "no stage or layer 'conv9'", "Stages: body, conv1")


def test_what_trains_of_a_run(trained, residency):
    _, out, _ = residency("list", "models", "--trainable", trained / "runs" / "one")
    assert out.splitlines()[-1].split("\t")[:3] == ["head", "130", "130"]
