"""IDX files: written here as the format says, and Fashion-MNIST as Debian ships it."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from residency.data.sources.catalog import SYSTEM
from residency.data.sources.idx import (
    FASHION_MNIST_CLASSES,
    MNIST_CLASSES,
    from_idx,
    is_idx,
    read_idx,
)
from residency.errors import DataError


def write_idx(path: Path, array: np.ndarray, compress: bool = False) -> None:
    """Writes unsigned bytes with the head that the format asks for."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    content = head + array.astype(np.uint8).tobytes()
    if compress:
        path = path.with_name(f"{path.name}.gz")
        content = gzip.compress(content)
    path.write_bytes(content)


def write_mnist(folder: Path, compress: bool = False) -> Path:
    """Writes 20 training and 10 test images of 5 rows and 4 columns."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, count in (("train", 20), ("t10k", 10)):
        images = np.arange(count * 20).reshape(count, 5, 4) % 256
        write_idx(folder / f"{prefix}-images-idx3-ubyte", images, compress)
        labels = np.arange(count) % 10
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels, compress)
    return folder


@pytest.mark.parametrize("compress", [False, True])
def test_reads_what_the_format_says(tmp_path, compress):
    index = from_idx(write_mnist(tmp_path, compress), MNIST_CLASSES)
    assert (index.parts.count("train"), index.parts.count("test")) == (20, 10)
    assert index.class_names == MNIST_CLASSES
    assert index.labels[18:23].tolist() == [8, 9, 0, 1, 2]
    assert index.names[20] == "test/000000"
    pixels = index.read(1)  # grey becomes three equal channels
    assert pixels.shape == (5, 4, 3)
    assert pixels[2, 3].tolist() == [31, 31, 31]
    assert index.content(1) == bytes(range(20, 40))
    assert is_idx(tmp_path)


def test_the_test_part_may_be_absent(tmp_path):
    write_mnist(tmp_path)
    for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        (tmp_path / name).unlink()
    assert set(from_idx(tmp_path).parts) == {"train"}


def test_half_a_part_is_an_error(tmp_path):
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="expected t10k-images-idx3-ubyte and"):
        from_idx(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: b"\1" + c[1:], "starts with 00 00 08 03"),
        (lambda c: c[:2] + b"\x0d" + c[3:], "got 00 00 0d 03"),
        (lambda c: c[:3] + b"\1" + c[4:], "got 00 00 08 01"),
        (lambda c: c[:-1], "20 x 5 x 4 = 400 bytes, 399 follow"),
        (lambda c: c + b"x", "401 follow"),
        (lambda c: c[:10], "expected an IDX file"),
        (lambda c: b"", "got nothing"),
        (lambda c: c[:4] + b"\xff" * 12 + c[16:], "cut off or damaged"),
    ],
)
def test_damage_is_named(tmp_path, change, message):
    path = write_mnist(tmp_path) / "train-images-idx3-ubyte"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=message):
        from_idx(tmp_path)


def test_a_truncated_gzip_is_an_error(tmp_path):
    path = write_mnist(tmp_path, compress=True) / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="cannot be read"):
        from_idx(tmp_path)


def test_a_gzip_of_absurd_size_is_refused(tmp_path, monkeypatch):
    path = write_mnist(tmp_path, compress=True) / "train-images-idx3-ubyte.gz"
    monkeypatch.setattr("residency.data.sources.idx.SIZE_LIMIT", 100)
    with pytest.raises(DataError, match="more than 100 bytes"):
        read_idx(path, ndim=3)


@pytest.mark.real_data
def test_fashion_mnist():
    folder = SYSTEM / "fashion-mnist"
    if not folder.is_dir():
        pytest.skip("no Fashion-MNIST here: apt install dataset-fashion-mnist")
    index = from_idx(folder, FASHION_MNIST_CLASSES)
    assert (index.parts.count("train"), index.parts.count("test")) == (60_000, 10_000)
    assert np.bincount(index.labels).tolist() == [7000] * 10
    assert index.class_names[index.labels[0]] == "Ankle boot"
    images = index.reader.images[:60_000]
    assert images.shape == (60_000, 28, 28)
    assert images.mean() == pytest.approx(72.94, abs=0.01)  # the published mean
