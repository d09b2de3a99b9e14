"""Images by class and part, as the split recorded them."""

import json

import pytest

from residency.report import read_run_folder
from residency.report.data_counts import data_counts


def _counts(folder, split, classes=("cat", "dog")):
    (folder / "split.json").write_text(json.dumps(split), encoding="utf-8")
    (folder / "classes.json").write_text(json.dumps(classes), encoding="utf-8")
    parts, rows = data_counts(read_run_folder(folder))
    return parts, {row.name: row.counts for row in rows}


def test_recorded_samples(tmp_path):
    samples = {
        "test": {"dog": {"c.jpg": 10}},
        "train": {"cat": {"a.jpg": 10, "b.jpg": 12}},
    }
    assert _counts(tmp_path, {"samples": samples}) == (
        ("train", "test"),
        {"cat": (2, 0), "dog": (0, 1), "all classes": (2, 1)},
    )


@pytest.mark.parametrize("split", [{}, {"samples": 3}, {"samples": None}])
def test_nothing_recorded(tmp_path, split):
    assert _counts(tmp_path, split) == ((), {})
