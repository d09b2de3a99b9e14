"""`residency data`: what it prints and writes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from residency.cli.data import app


@pytest.fixture
def photos(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    for label, count in {"cat": 12, "dog": 8}.items():
        (folder / label).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{i}.png")
    Image.fromarray(pixels).save(folder / "cat" / "twin.png")
    (folder / "dog" / "broken.png").write_bytes(b"")
    return folder


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exception is None, result.output
    return result.stdout


def test_inspect_prints_plain_lines_into_a_pipe(photos):
    lines = run("inspect", photos).splitlines()
    assert lines[:4] == ["class\tall", "cat\t13", "dog\t9", "all\t22"]
    assert "width, pixels\t30 to 30, median 30" in lines
    assert "formats\tPNG 21" in lines
    assert "dog/broken.png\tempty file" in lines
    assert "cat/twin.png (all, cat)\t1" in lines


def test_inspect_as_json(photos, tmp_path):
    printed = json.loads(run("inspect", photos, "--json", "--out", tmp_path / "out"))
    written = json.loads((tmp_path / "out" / "inspection.json").read_text())
    assert printed == written
    assert printed["images"] == 22
    assert printed["quarantined"] == [
        {"name": "dog/broken.png", "reason": "empty file"}
    ]
    assert printed["duplicates"][0]["names"] == ["cat/twin.png", "dog/7.png"]
    assert printed["imbalance_ratio"] == pytest.approx(13 / 9)


def test_inspect_by_headers_only(photos):
    assert "looked at\theaders and stored bytes" in run(
        "inspect", photos, "--headers-only"
    )


def test_show_draws_a_picture(photos, tmp_path):
    out = tmp_path / "grid.png"
    assert run("show", photos, "--out", out, "--count", 4).strip() == str(out)
    with Image.open(out) as picture:
        assert picture.format == "PNG"


def test_two_photos_are_shown(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        Image.new("RGB", (9, 9)).save(tmp_path / label / "1.png")
    run("show", tmp_path, "--out", tmp_path / "grid.png")
    assert (tmp_path / "grid.png").exists()


def test_a_name_keeps_to_its_line(photos):
    (photos / "dog" / "broken.png").rename(photos / "dog" / "\x1b[2J\t\n.png")
    assert (
        r"dog/\x1b[2J\x09\x0a.png	empty file" in run("inspect", photos).splitlines()
    )


def test_split_is_recorded_and_the_same_again(photos, tmp_path):
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    line = run("split", photos, "--out", first, "--seed", 3)
    run("split", photos, "--out", second, "--seed", 3)
    assert first.read_text() == second.read_text()
    samples = json.loads(first.read_text())["samples"]
    count = sum(len(names) for names in samples["train"].values())
    assert f"train {count}," in line


def test_importing_the_command_is_quick():
    heavy = "{'keras', 'torch', 'numpy', 'PIL', 'matplotlib'} & set(sys.modules)"
    code = f"import sys, residency.cli.data; print({heavy})"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert result.stdout.strip() == "set()", result.stderr
