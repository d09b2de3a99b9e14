"""A folder of photos: layouts, odd names, links, and what goes wrong."""

import logging
import os
from pathlib import Path

import pytest

from residency.data.sources.folder import from_folder, is_image
from residency.errors import BrokenImageError, DataError


def test_flat_folder_is_sorted_by_name_and_has_no_parts(tmp_path, write_photos):
    write_photos(tmp_path, {"dogs": 2, "Black Skimmer": 1, "鷺": 2})
    index = from_folder(tmp_path)
    assert index.class_names == ("Black Skimmer", "dogs", "鷺")
    assert index.names == (
        "Black Skimmer/000.png",
        "dogs/000.png",
        "dogs/001.png",
        "鷺/000.png",
        "鷺/001.png",
    )
    assert index.labels.tolist() == [0, 1, 1, 2, 2]
    assert index.parts is None
    assert index.read(2).tolist() == [[[0, 1, 7]] * 4] * 4
    assert index.content(0) == (tmp_path / index.names[0]).read_bytes()
    assert index.sizes[0] == (tmp_path / index.names[0]).stat().st_size


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("Training", "VALID", "Testing"),
        ("TRAIN", "dev", "eval"),
    ],
)
def test_ready_parts_are_found_in_any_case(
    tmp_path, write_photos, train, validation, test
):
    counts = {f"{p}/{c}": 1 for p in (train, validation, test) for c in "ab"}
    index = from_folder(write_photos(tmp_path, counts))
    found = {
        name.split("/")[0]: part
        for name, part in zip(index.names, index.parts, strict=True)
    }
    assert found == {train: "train", validation: "validation", test: "test"}
    assert index.class_names == ("a", "b")


def test_classes_named_like_parts_are_classes(tmp_path, write_photos):
    """A control group and a test group; trains beside planes."""
    groups = write_photos(tmp_path / "groups", {"control": 1, "test": 1})
    assert from_folder(groups).class_names == ("control", "test")
    vehicles = write_photos(tmp_path / "vehicles", {"plane": 1, "train": 1})
    assert from_folder(vehicles).class_names == ("plane", "train")


def test_subfolders_belong_to_the_class(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 1, "a/2019/june": 2, "b": 1})
    index = from_folder(tmp_path)
    assert index.names[1:3] == ("a/2019/june/000.png", "a/2019/june/001.png")
    assert index.labels.tolist() == [0, 0, 0, 1]


def test_files_that_are_no_images_by_name_are_left_out(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 1, "b": 1, "__MACOSX/a": 1, ".git": 1})
    for name in ("a/Thumbs.db", "a/notes.txt", "a/.hidden.png", "a/._000.png", "c.txt"):
        (tmp_path / name).write_bytes(b"?")
    assert from_folder(tmp_path).names == ("a/000.png", "b/000.png")


def test_a_broken_file_named_as_an_image_is_a_sample(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 1, "b": 1})
    (tmp_path / "a" / "broken.JPG").write_bytes(b"not an image")
    (tmp_path / "a" / "empty.jpeg").touch()
    index = from_folder(tmp_path)
    assert index.names[1:3] == ("a/broken.JPG", "a/empty.jpeg")
    with pytest.raises(BrokenImageError):
        index.read(1)


def test_links_neither_hang_nor_mix_classes(tmp_path, write_photos):
    write_photos(tmp_path / "set", {"a": 1, "b": 1})
    write_photos(tmp_path / "elsewhere", {"x": 2})
    a = tmp_path / "set" / "a"
    (a / "up").symlink_to(tmp_path / "set")
    (a / "self").symlink_to(a)
    (a / "root").symlink_to("/")
    (a / "ring").symlink_to(a / "ring")
    (a / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "set" / "c").symlink_to(tmp_path / "elsewhere" / "x")
    index = from_folder(tmp_path / "set")
    assert index.names == (
        "a/000.png",
        "a/gone.png",
        "b/000.png",
        "c/000.png",
        "c/001.png",
    )
    assert index.sizes[1] == 0
    for access in (index.read, index.content):
        with pytest.raises(BrokenImageError):
            access(1)


@pytest.mark.skipif(os.name == "nt", reason="file names are bytes on POSIX only")
def test_names_that_are_no_utf8_can_be_written(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 1, "b": 1})
    source = os.fsencode(tmp_path / "a" / "000.png")
    try:
        os.rename(source, os.fsencode(tmp_path / "a") + b"/caf\xe9.png")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    index = from_folder(tmp_path)
    assert index.names[0] == "a/caf\\xe9.png"
    assert index.read(0).shape == (4, 4, 3)
    assert index.stamps()[0].startswith(f"{index.sizes[0]}-")


def test_a_class_may_lack_validation_images(tmp_path, write_photos):
    counts = {"train/a": 1, "train/b": 1, "val/a": 1, "val/b": 0}
    assert from_folder(write_photos(tmp_path, counts)).class_names == ("a", "b")


def test_a_class_that_train_lacks_is_an_error(tmp_path, write_photos):
    write_photos(tmp_path, {"train/ants": 1, "train/bees": 1, "val/bee": 1})
    with pytest.raises(DataError, match=r"'bee' is in the validation part.*'bees'"):
        from_folder(tmp_path)


def test_one_class_is_an_error(tmp_path, write_photos):
    with pytest.raises(DataError, match=r"one class only \(cats\), at least 2"):
        from_folder(write_photos(tmp_path, {"cats": 2}))


def test_classes_one_folder_further_down_are_pointed_at(tmp_path, write_photos):
    write_photos(tmp_path, {"PetImages/Cat": 1, "PetImages/Dog": 1})
    with pytest.raises(DataError, match=r"did you mean .*PetImages"):
        from_folder(tmp_path)


def test_parts_inside_classes_are_an_error(tmp_path, write_photos):
    write_photos(tmp_path, {f"{c}/{p}": 1 for c in "ab" for p in ("train", "val")})
    with pytest.raises(DataError, match="a holds the parts train, val"):
        from_folder(tmp_path)


def test_two_folders_for_one_part_are_an_error(tmp_path, write_photos):
    names = ("train", "val", "validation")
    write_photos(tmp_path, {f"{p}/{c}": 1 for c in "ab" for p in names})
    with pytest.raises(DataError, match="val and validation both stand for"):
        from_folder(tmp_path)


def test_parts_without_train_are_an_error(tmp_path, write_photos):
    write_photos(tmp_path, {f"{p}/{c}": 1 for c in "ab" for p in ("val", "test")})
    with pytest.raises(DataError, match="parts test, validation but none to train on"):
        from_folder(tmp_path)


def test_an_empty_class_folder_is_named(tmp_path, write_photos):
    write_photos(tmp_path, {"cats": 1, "cows": 0, "dogs": 1})
    with pytest.raises(DataError, match="class folder 'cows' holds no image"):
        from_folder(tmp_path)


def test_a_folder_without_images_says_what_was_looked_for(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "readme.md").touch()
    with pytest.raises(DataError, match=r"one folder a class.*\.jpg.*a, readme\.md"):
        from_folder(tmp_path)


def test_photos_without_class_folders_are_counted(tmp_path, write_photos):
    with pytest.raises(DataError, match="holds 3 images outside class folders"):
        from_folder(write_photos(tmp_path, {".": 3}))


def test_what_is_left_out_is_said(tmp_path, write_photos, caplog):
    write_photos(tmp_path, {"train/a": 1, "train/b": 1, "test": 3, "old": 1})
    with caplog.at_level(logging.WARNING):
        index = from_folder(tmp_path)
    assert set(index.parts) == {"train"}
    assert "left out old, test" in caplog.text


def test_a_missing_folder_says_what_is_there(tmp_path, write_photos):
    write_photos(tmp_path, {"photos/a": 1, "other": 0})
    with pytest.raises(DataError, match=r"holds other, photos\. Did you mean 'photos'"):
        from_folder(tmp_path / "photo" / "a")


def test_one_image_is_no_data_set(tmp_path, write_photos):
    write_photos(tmp_path, {"a": 1})
    with pytest.raises(DataError, match="residency predict"):
        from_folder(tmp_path / "a" / "000.png")
    (tmp_path / "list.txt").touch()
    with pytest.raises(DataError, match="is a file; expected a folder"):
        from_folder(tmp_path / "list.txt")


def test_a_folder_that_may_not_be_read_is_named(tmp_path, write_photos, monkeypatch):
    write_photos(tmp_path, {"a": 1, "b": 1})

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        from_folder(tmp_path)


def test_classes_are_sorted_as_keras_sorts_them(tmp_path, write_photos):
    index = from_folder(write_photos(tmp_path, {"9": 1, "10": 1, "100": 1}))
    assert index.class_names == ("10", "100", "9")


def test_names_are_printed_on_one_line(tmp_path, write_photos):
    write_photos(tmp_path, {"a\tb": 1, "c\x1b[2J": 1})
    (tmp_path / "a\tb" / "new\nline\x7f.png").touch()
    index = from_folder(tmp_path)
    assert index.class_names == (r"a\x09b", r"c\x1b[2J")
    assert r"a\x09b/new\x0aline\x7f.png" in index.names


def test_image_names():
    assert is_image("x.jpeg")
    assert not is_image(".x.jpeg")
    assert not is_image("jpeg")


@pytest.mark.real_data
def test_real_photos_with_parts(real_photos: Path):
    index = from_folder(real_photos / "ants-bees")
    assert index.class_names == ("ants", "bees")
    assert (index.parts.count("train"), index.parts.count("validation")) == (245, 153)
    views = from_folder(real_photos / "car-views")
    assert (views.parts.count("train"), views.parts.count("validation")) == (979, 171)
    assert views.class_names == ("00-front", "01-rear", "02-side")
