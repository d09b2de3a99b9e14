"""What the user typed: a name, a path, `kind:PATH`, arrays, or a mistake."""

import os
from pathlib import Path

import numpy as np
import pytest

from residency.data.sources.resolve import absolute, guess_kind, resolve
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


def test_a_path_is_never_a_name_nor_a_kind(tmp_path, write_photos, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    for name in ("digits", "csv:x"):
        write_photos(tmp_path / name, {"a": 1, "b": 1})
        for source in (Path(name), f"./{name}"):
            index = resolve(source)
            assert (len(index), index.source) == (2, f"./{name}")
            assert absolute(source) == str(tmp_path / name)
    assert not caplog.records
    with pytest.raises(DataError, match="mnist: no such file or folder"):
        resolve(Path("mnist"))
    assert absolute(Path("mnist")) == "./mnist"
    assert absolute("mnist") == "mnist"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cifar1", r"Did you mean 'cifar10'\? Data sets known by name: digits"),
        ("foldr:x", r"no kind of data set 'foldr'\. Did you mean 'folder'"),
        ("", "no such file or folder"),
        ("folder:", "no such file or folder"),
        ("folder:nowhere", "nowhere: no such file or folder"),
        ("no/such/place", "no such file or folder.* holds"),
        ("~nosuch/photos", "no user of this name.* write ./~nosuch/photos"),
        ("folder:~nosuch", "no user of this name"),
        ("x" * 300, "xx: cannot be read: File name too long"),
        ("nul\0", "no such file or folder"),
    ],
)
def test_mistakes_get_a_hint(tmp_path, monkeypatch, source, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        resolve(source)


@pytest.mark.parametrize("kind", ["", "folder:", "cifar:", "idx:"])
def test_a_folder_that_may_not_be_entered_is_named(tmp_path, monkeypatch, kind):
    locked, stat = tmp_path / "locked", os.stat
    locked.mkdir()

    def refuse(path, **settings):
        if locked in Path(path).parents:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **settings)

    monkeypatch.setattr(os, "stat", refuse)
    if kind:
        monkeypatch.setattr(os, "scandir", lambda path: refuse(path / "x"))
    with pytest.raises(DataError, match=r"locked.*: cannot be read: Permission"):
        resolve(f"{kind}{locked}")
    with pytest.raises(DataError, match="locked/photos: cannot be read: Permission"):
        resolve(f"{kind}{locked / 'photos'}")


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
