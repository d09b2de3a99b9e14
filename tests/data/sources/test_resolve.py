"""What the user typed: a name, a path, `kind:PATH`, arrays, or a mistake."""

import numpy as np
import pytest

from residency.data.sources.resolve import guess_kind, resolve
from residency.errors import DataError


def test_names_paths_kinds_and_arrays(tmp_path, write_photos):
    photos = write_photos(tmp_path / "photos", {"a": 1, "b": 1})
    (photos / "list.csv").write_text("path,label\na/000.png,x\nb/000.png,y\n")
    x, y = np.zeros((4, 2, 2), np.uint8), np.array([0, 1, 0, 1])
    np.savez(tmp_path / "x.npz", x=x, y=y)
    assert len(resolve("digits")) == 1797
    for source in (photos, str(photos), f"folder:{photos}"):
        assert resolve(source).class_names == ("a", "b")
    for source in (photos / "list.csv", f"csv:{photos / 'list.csv'}"):
        assert resolve(source).class_names == ("x", "y")
    for source in ((x, y), tmp_path / "x.npz", f"npz:{tmp_path / 'x.npz'}"):
        assert resolve(source).class_names == ("0", "1")


def test_folders_of_cifar_and_idx_are_recognised(tmp_path):
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "idx").mkdir()
    (tmp_path / "idx" / "train-images-idx3-ubyte.gz").touch()
    assert guess_kind(tmp_path) == "cifar"
    assert guess_kind(tmp_path / "idx") == "idx"


def test_a_name_goes_before_a_folder(tmp_path, write_photos, monkeypatch, caplog):
    write_photos(tmp_path / "digits", {"a": 1, "b": 1})
    monkeypatch.chdir(tmp_path)
    assert len(resolve("digits")) == 1797
    assert "not the folder ./digits" in caplog.text
    assert len(resolve("./digits")) == 2


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cifar1", r"Did you mean 'cifar10'\? Data sets known by name: digits"),
        ("foldr:x", r"no kind of data set 'foldr'\. Did you mean 'folder'"),
        ("", "no such file or folder"),
        ("folder:", "no such file or folder"),
        ("folder:nowhere", "nowhere: no such file or folder"),
        ("no/such/place", "no such file or folder.* holds"),
    ],
)
def test_mistakes_get_a_hint(tmp_path, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        resolve(source)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("photo.JPG", "is one image.*residency predict"),
        ("best.keras", "is a model file.*residency evaluate"),
        ("photos.zip", "unpack it first"),
        ("train-images-idx3-ubyte", "give the folder it is in"),
        ("notes.txt", "is no data set: expected a folder"),
    ],
)
def test_files_that_are_no_data_sets(tmp_path, name, message):
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=message):
        resolve(tmp_path / name)
