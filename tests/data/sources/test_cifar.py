"""CIFAR files as the originals are laid out, written here, read back."""

import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from residency.data.sources.cifar import LAYOUTS, from_cifar, is_cifar
from residency.data.sources.cifar_names import (
    CIFAR10_CLASSES,
    CIFAR100_CLASSES,
    CIFAR100_COARSE_CLASSES,
)
from residency.errors import DataError

IMAGES_PER_FILE = 6


def planes(seed: int) -> np.ndarray:
    """Returns random images as CIFAR stores them, uint8 `(6, 3072)`."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (IMAGES_PER_FILE, 3072), dtype=np.uint8)


def write_cifar10(folder: Path, binary: bool = False) -> Path:
    """Writes five training files and one of test, and the names."""
    folder.mkdir(parents=True)
    for number in range(6):
        name = f"data_batch_{number + 1}" if number < 5 else "test_batch"
        labels = [(number + i) % 10 for i in range(IMAGES_PER_FILE)]
        if binary:
            head = np.array(labels, np.uint8)[:, None]
            records = np.concatenate([head, planes(number)], axis=1)
            (folder / f"{name}.bin").write_bytes(records.tobytes())
            continue
        batch = {
            b"batch_label": b"training batch 1 of 5",
            b"labels": labels,
            b"data": planes(number),
            b"filenames": [b"x.png"] * IMAGES_PER_FILE,
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    if not binary:
        meta = {b"label_names": [n.encode() for n in CIFAR10_CLASSES], b"num_vis": 3072}
        (folder / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    return folder


def write_cifar100(folder: Path, binary: bool = False) -> Path:
    folder.mkdir(parents=True)
    for number, name in enumerate(("train", "test")):
        fine = [(7 * i + number) % 100 for i in range(IMAGES_PER_FILE)]
        coarse = [(3 * i + number) % 20 for i in range(IMAGES_PER_FILE)]
        if binary:
            heads = np.array([coarse, fine], np.uint8).T
            records = np.concatenate([heads, planes(number)], axis=1)
            (folder / f"{name}.bin").write_bytes(records.tobytes())
            continue
        batch = {
            b"fine_labels": fine,
            b"coarse_labels": coarse,
            b"data": planes(number),
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return folder


def pack(folder: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
    return target


@pytest.mark.parametrize("binary", [False, True], ids=["pickled", "binary"])
@pytest.mark.parametrize("form", ["folder", "above", "archive"])
def test_cifar10(tmp_path, binary, form):
    name = "cifar-10-batches-bin" if binary else "cifar-10-batches-py"
    folder = write_cifar10(tmp_path / "in" / name, binary)
    path = {"folder": folder, "above": folder.parent}.get(form)
    index = from_cifar(path or pack(folder, tmp_path / "c.tar.gz"))
    assert index.class_names == CIFAR10_CLASSES
    assert (index.parts.count("train"), index.parts.count("test")) == (30, 6)
    assert index.labels[:8].tolist() == [0, 1, 2, 3, 4, 5, 1, 2]
    assert index.labels[30:].tolist() == [5, 6, 7, 8, 9, 0]
    assert index.names[0] == "train/000000"
    assert index.names[30] == "test/000000"
    assert index.read(7).shape == (32, 32, 3)
    row, column, channel = 3, 5, 2
    stored = planes(1)[1][channel * 1024 + row * 32 + column]
    assert index.read(7)[row, column, channel] == stored


@pytest.mark.parametrize("binary", [False, True], ids=["pickled", "binary"])
def test_cifar100_has_fine_and_coarse_labels(tmp_path, binary):
    name = "cifar-100-binary" if binary else "cifar-100-python"
    folder = write_cifar100(tmp_path / name, binary)
    fine, coarse = from_cifar(folder), from_cifar(folder, labels="coarse")
    assert fine.labels.tolist()[:3] == [0, 7, 14]
    assert coarse.labels.tolist()[:3] == [0, 3, 6]
    assert fine.class_names == CIFAR100_CLASSES
    assert coarse.class_names == CIFAR100_COARSE_CLASSES
    np.testing.assert_array_equal(fine.read(0), coarse.read(0))


def test_class_names_are_complete():
    assert len(set(CIFAR10_CLASSES)) == 10
    assert len(set(CIFAR100_CLASSES)) == 100
    assert len(set(CIFAR100_COARSE_CLASSES)) == 20
    assert list(CIFAR100_CLASSES) == sorted(CIFAR100_CLASSES)


def test_names_come_from_the_meta_file(tmp_path):
    folder = write_cifar10(tmp_path / "c")
    names = [f"name {i}".encode() for i in range(10)]
    (folder / "batches.meta").write_bytes(pickle.dumps({b"label_names": names}, 2))
    assert from_cifar(folder).class_names[3] == "name 3"


def test_cifar10_has_no_coarse_labels(tmp_path):
    with pytest.raises(DataError, match="no 'coarse' labels in CIFAR-10"):
        from_cifar(write_cifar10(tmp_path / "c"), labels="coarse")


def test_a_missing_batch_is_an_error(tmp_path):
    folder = write_cifar10(tmp_path / "c")
    (folder / "data_batch_3").unlink()
    with pytest.raises(DataError, match="not a complete CIFAR"):
        from_cifar(folder)


def test_a_hostile_batch_is_refused(tmp_path):
    folder = write_cifar10(tmp_path / "c")
    hostile = b"cos\nsystem\n(S'touch " + bytes(tmp_path) + b"/witness'\ntR."
    (folder / "data_batch_2").write_bytes(hostile)
    with pytest.raises(
        DataError, match=r"data_batch_2: .*os\.system, which is refused"
    ):
        from_cifar(folder)
    assert not (tmp_path / "witness").exists()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_archive_is_an_error(tmp_path, share):
    path = pack(write_cifar10(tmp_path / "c"), tmp_path / "c.tar.gz")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError):
        from_cifar(path)


@pytest.mark.parametrize("place", range(1, 10))
def test_a_flipped_bit_of_an_archive_is_an_error(tmp_path, place):
    path = pack(write_cifar10(tmp_path / "c"), tmp_path / "c.tar.gz")
    content = bytearray(path.read_bytes())
    content[len(content) * place // 10] ^= 8
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read as an archive"):
        from_cifar(path)


def test_an_archive_of_another_checksum_is_an_error(tmp_path):
    """Every pixel arrives, and gzip's CRC-32 says that they are wrong."""
    path = pack(write_cifar10(tmp_path / "c"), tmp_path / "c.tar.gz")
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="CRC check failed"):
        from_cifar(path)


@pytest.mark.parametrize("packing", ["", "bz2", "xz"])
def test_other_packings_whole_and_damaged(tmp_path, packing):
    folder, path = write_cifar10(tmp_path / "c"), tmp_path / "c.tar"
    with tarfile.open(path, f"w:{packing}") as archive:
        archive.add(folder, arcname=folder.name)
    assert len(from_cifar(path)) == 36
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError):
        from_cifar(path)


def test_a_file_that_is_no_archive_is_an_error(tmp_path):
    (tmp_path / "c.tar.gz").write_bytes(b"<html>404</html>")
    with pytest.raises(DataError, match="cannot be read as an archive"):
        from_cifar(tmp_path / "c.tar.gz")


def test_a_truncated_binary_batch_is_an_error(tmp_path):
    folder = write_cifar10(tmp_path / "c", binary=True)
    path = folder / "data_batch_1.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="records of 3073 bytes"):
        from_cifar(folder)


def test_labels_and_images_must_fit(tmp_path):
    folder = write_cifar10(tmp_path / "c")
    batch = {b"labels": [1] * 5, b"data": planes(0)}
    (folder / "test_batch").write_bytes(pickle.dumps(batch, 2))
    with pytest.raises(DataError, match="6 images but 5 labels"):
        from_cifar(folder)
    batch = {b"labels": [10] * 6, b"data": planes(0)}
    (folder / "test_batch").write_bytes(pickle.dumps(batch, 2))
    with pytest.raises(DataError, match=r"labels in 0\.\.9"):
        from_cifar(folder)
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": planes(0)}, 2))
    with pytest.raises(DataError, match="entries data and labels"):
        from_cifar(folder)


def test_names_in_archives_are_never_paths(tmp_path):
    """Members that point elsewhere are read by their last part, or not at all."""
    folder = write_cifar10(tmp_path / "c")
    target = tmp_path / "evil.tar.gz"
    with tarfile.open(target, "w:gz") as archive:
        for name in LAYOUTS["CIFAR-10, pickled"]["train"]:
            archive.add(folder / name, arcname=f"../../{name}")
        link = tarfile.TarInfo("test_batch")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    before = sorted(tmp_path.parent.iterdir())
    with pytest.raises(DataError, match="not a complete CIFAR"):
        from_cifar(target)
    assert sorted(tmp_path.parent.iterdir()) == before


def test_an_archive_of_absurd_size_is_refused(tmp_path, monkeypatch):
    path = pack(write_cifar10(tmp_path / "c"), tmp_path / "c.tar.gz")
    monkeypatch.setattr("residency.data.sources.cifar.ARCHIVE_LIMIT", 1000)
    with pytest.raises(DataError, match="too large for CIFAR"):
        from_cifar(path)


def test_is_cifar(tmp_path):
    folder = write_cifar10(tmp_path / "x" / "cifar-10-batches-py")
    assert is_cifar(folder)
    assert is_cifar(folder.parent)
    (tmp_path / "photos" / "train" / "cats").mkdir(parents=True)
    assert not is_cifar(tmp_path / "photos")


def test_a_file_called_test_beside_photos_is_not_cifar(tmp_path):
    for name in ("test", "train"):
        folder = tmp_path / f"with {name}"
        folder.mkdir()
        (folder / name).touch()
        assert not is_cifar(folder)
    assert is_cifar(write_cifar100(tmp_path / "hundred"))
