"""Data sets by name: found on this machine, or fetched, or told where to put."""

import gzip
import re

import numpy as np
import pytest

from residency.data.download import Remote
from residency.data.sources import catalog
from residency.data.sources.catalog import (
    CATALOG,
    IDX_FILES,
    find_local,
    from_name,
    list_datasets,
)
from residency.errors import DataError


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Gives an empty machine without a web."""

    def unreachable(remote: Remote, folder, progress=None):
        raise DataError(f"{remote.url}: cannot be fetched: no network.")

    monkeypatch.setenv("RESIDENCY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(catalog, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(catalog, "fetch", unreachable)
    return tmp_path


def idx_content(array: np.ndarray) -> bytes:
    shape = b"".join(n.to_bytes(4, "big") for n in array.shape)
    content = bytes((0, 0, 8, array.ndim)) + shape + array.astype(np.uint8).tobytes()
    return gzip.compress(content)


def write_mnist(folder) -> None:
    folder.mkdir(parents=True)
    for name in IDX_FILES:
        images = "images" in name
        array = np.ones((10, 28, 28)) if images else np.arange(10)
        (folder / name).write_bytes(idx_content(array))


def test_every_name_has_one_line():
    names = [name for name, _ in list_datasets()]
    assert names == list(CATALOG)
    assert {"digits", "cifar10", "cifar100", "mnist", "fashion_mnist", "elpv"} <= set(
        names
    )
    assert all(line and "\n" not in line for _, line in list_datasets())


def test_hashes_and_addresses_are_well_formed():
    for named in CATALOG.values():
        for remote in named.remotes:
            assert re.fullmatch(r"md5:[0-9a-f]{32}", remote.digest)
            assert remote.url.startswith("https://")


@pytest.mark.parametrize("place", ["cache", "keras/datasets", "system"])
def test_found_on_this_machine(machine, place):
    write_mnist(machine / place / "fashion-mnist")
    index = from_name("fashion_mnist")
    assert index.source == "fashion_mnist"
    assert index.class_names[9] == "Ankle boot"
    assert index.parts.count("test") == 10


def test_half_a_download_is_not_taken(machine):
    write_mnist(machine / "cache" / "mnist")
    (machine / "cache" / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="mnist: not on this machine"):
        from_name("mnist")


def test_half_an_unpacked_archive_is_passed_over(machine):
    half = machine / "keras" / "datasets" / "cifar-10-batches-py-target"
    (half / "cifar-10-batches-py").mkdir(parents=True)
    (half / "cifar-10-batches-py" / "data_batch_1").touch()
    assert find_local(CATALOG["cifar10"]) is None
    archive = machine / "system" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    archive.touch()
    assert find_local(CATALOG["cifar10"]) == archive
    for name in ("data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"):
        (half / "cifar-10-batches-py" / name).touch()
    (half / "cifar-10-batches-py" / "test_batch").touch()
    assert find_local(CATALOG["cifar10"]) == half


def test_the_file_that_keras_keeps_is_read(machine):
    (machine / "keras" / "datasets").mkdir(parents=True)
    x, y = np.zeros((10, 28, 28), np.uint8), np.arange(10)
    path = machine / "keras" / "datasets" / "mnist.npz"
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    assert from_name("mnist").class_names == tuple("0123456789")


def test_without_a_network_it_says_what_to_put_where(machine):
    with pytest.raises(DataError) as caught:
        from_name("cifar10")
    message = str(caught.value)
    assert "Put cifar-10-python.tar.gz from https://www.cs.toronto.edu" in message
    assert message.endswith(f"into {machine / 'cache'}.")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz, .*/cache/mnist"):
        from_name("mnist")


def test_fetched_files_are_read(machine, monkeypatch):
    def fetched(remote: Remote, folder, progress=None):
        if not folder.exists():
            write_mnist(folder)
        return folder / remote.name

    monkeypatch.setattr(catalog, "fetch", fetched)
    assert len(from_name("mnist")) == 20
    assert len(from_name("mnist")) == 20  # now from the cache
