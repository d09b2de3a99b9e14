"""Solar cells: the published table, read without its package."""

import importlib.util

import pytest

from residency.data.sources.elpv import from_elpv
from residency.errors import DataError


def test_one_half_divides_the_classes(tmp_path, write_photos):
    write_photos(tmp_path, {"images": 4})
    probabilities = ("0.0", "0.3333333333333333", "0.6666666666666666", "1.0")
    rows = [f"images/{i:03d}.png  {p}   mono\n" for i, p in enumerate(probabilities)]
    (tmp_path / "labels.csv").write_text("".join(rows))
    index = from_elpv(tmp_path)
    assert index.class_names == ("defective", "functional")
    assert index.labels.tolist() == [1, 1, 0, 0]
    assert index.read(2).shape == (4, 4, 3)


def test_a_damaged_table_is_an_error(tmp_path):
    (tmp_path / "labels.csv").write_text("images/1.png\n")
    with pytest.raises(DataError, match="rows of path, probability"):
        from_elpv(tmp_path)


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'residency\[elpv\]'"):
        from_elpv()


@pytest.mark.real_data
def test_the_package():
    if importlib.util.find_spec("elpv_dataset") is None:
        pytest.skip("elpv-dataset is not installed")
    index = from_elpv()
    assert len(index) == 2624
    assert (index.labels == 0).sum() == 821  # probability 2/3 or 1
    assert index.read(0).shape == (300, 300, 3)
