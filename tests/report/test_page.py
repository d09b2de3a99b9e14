"""The page is whole, self-contained and safe, whatever the run holds."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from residency.errors import DataError
from residency.report import image_grid, write_report
from residency.report import page as module

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "</style><b>",
    "{{ 7 * 7 }}",
]


class _Tags(HTMLParser):
    """Collects tags with their attributes, and checks that they close."""

    void = ("meta", "img", "br")

    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _parse(path):
    parser = _Tags()
    parser.feed(path.read_text("utf-8"))
    assert parser.open == []
    return parser.tags


def test_a_finished_run(run_folder):
    path = write_report(run_folder)
    text = path.read_text("utf-8")
    assert path == run_folder / "report.html"
    for words in ("used for choosing", "Black Skimmer", "truncated file", "95.45"):
        assert words in text
    assert "8.75 % error (table 6)" in text
    images = [a for tag, a in _parse(path) if tag == "img"]
    assert len(images) == 3  # curves and a matrix for each part
    assert all(a["src"].startswith("data:image/svg+xml;base64,") for a in images)
    assert all(a["alt"] for a in images)


def test_nothing_is_loaded_from_elsewhere(run_folder):
    write_report(run_folder)
    tags = _parse(run_folder / "report.html")
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in tags}
    policy = next(a["content"] for _, a in tags if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    text = re.sub(r"base64,[^\"]*", "", (run_folder / "report.html").read_text("utf-8"))
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text


def test_hostile_names_are_only_text(tmp_path, write_run):
    folder = write_run(tmp_path / 'it\'s "a" <run>', HOSTILE)
    recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
    recipe["name"] = recipe["values"]["model"]["depth"] = HOSTILE[1]
    recipe["origin"]["model.depth"] = HOSTILE[0]
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    quarantined = [{"name": HOSTILE[0], "reason": HOSTILE[1]}]
    (folder / "quarantine.json").write_text(json.dumps(quarantined), encoding="utf-8")
    (folder / "environment.json").write_text(json.dumps({HOSTILE[0]: HOSTILE}))
    path = write_report(folder)
    tags = _parse(path)
    assert "script" not in {tag for tag, _ in tags}
    assert not any(key.startswith("on") for _, attrs in tags for key in attrs)
    assert len([1 for tag, _ in tags if tag == "style"]) == 1
    assert "{{ 7 * 7 }}" in path.read_text("utf-8")


def test_names_that_are_no_utf8(tmp_path, write_run):
    folder = write_run(tmp_path / "run", ["caf\udce9", "b"])
    assert "caf\\udce9" in write_report(folder).read_text("utf-8")


def test_an_unfinished_run(tmp_path, write_run, make_history):
    folder = write_run(tmp_path / "r", ["a", "b"], history=make_history(1))
    (folder / "evaluation.json").unlink()
    text = write_report(folder).read_text("utf-8")
    assert "unfinished run" in text
    assert "There is no evaluation yet" in text
    assert (folder / "figures" / "curves.svg").exists()


def test_an_empty_folder(tmp_path):
    text = write_report(tmp_path).read_text("utf-8")
    assert "No epoch has finished yet." in text
    assert "The recipe is not recorded." in text


@pytest.mark.parametrize("content", ["", "[1]", "null", '{"values": 3, "origin": []}'])
@pytest.mark.parametrize(
    "name", ["recipe", "environment", "classes", "split", "evaluation", "quarantine"]
)
def test_damaged_files(run_folder, monkeypatch, name, content):
    monkeypatch.setattr(module, "draw_missing", lambda run: None)
    (run_folder / f"{name}.json").write_text(content, encoding="utf-8")
    _parse(write_report(run_folder))


def test_every_photo_grid_is_shown(run_folder):
    for name in ("samples", "predictions", "mistakes"):
        images = np.zeros((1, 8, 8, 3))
        image_grid(images, ["x"], run_folder / "figures" / f"{name}.png")
    tags = _parse(write_report(run_folder))
    shown = [a["src"] for tag, a in tags if tag == "img"]
    assert sum(src.startswith("data:image/png;base64,") for src in shown) == 3


def test_a_thousand_classes_are_folded(tmp_path, write_run):
    folder = write_run(tmp_path / "run", [f"n{i}" for i in range(1000)])
    text = write_report(folder).read_text("utf-8")
    assert "the other 975 classes" in text
    assert text.count(">n999<") == 3  # both parts, and the data


def test_figures_newer_than_their_records_stay(run_folder):
    write_report(run_folder)
    curves = run_folder / "figures" / "curves.svg"
    before = curves.stat().st_mtime_ns
    write_report(run_folder)
    assert curves.stat().st_mtime_ns == before


def test_a_failed_write_leaves_the_old_report(run_folder, monkeypatch):
    path = write_report(run_folder)
    before = path.read_bytes()

    def fail(run):
        raise RuntimeError("no page")

    monkeypatch.setattr(module, "render", fail)
    with pytest.raises(RuntimeError):
        write_report(run_folder)
    assert path.read_bytes() == before
    assert not list(run_folder.glob(".*"))


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="expected the folder of a run"):
        write_report(tmp_path / "none")
