"""Data sets by name: where each is looked for, and where it is fetched from."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from residency.data.download import Progress, Remote, fetch
from residency.data.index import Index
from residency.data.sources.arrays import from_npz
from residency.data.sources.cifar import from_cifar, is_complete
from residency.data.sources.digits import from_digits
from residency.data.sources.elpv import from_elpv
from residency.data.sources.idx import (
    FASHION_MNIST_CLASSES,
    MNIST_CLASSES,
    from_idx,
    is_idx,
)
from residency.errors import DataError
from residency.files import cache_folder


@dataclass(frozen=True, slots=True)
class Named:
    """One data set that is known by name."""

    description: str
    """One line."""
    read: Callable[..., Index]
    """From a path, or from nothing if the data come with a package."""
    places: tuple[str, ...] = ()
    """Below the cache, Keras' cache and `/usr/share/datasets`; the first there wins."""
    remotes: tuple[Remote, ...] = ()


SYSTEM = Path("/usr/share/datasets")  # where Debian's dataset-* packages install

IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

# https://www.cs.toronto.edu/~kriz/cifar.html publishes these
CIFAR10_REMOTE = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "md5:c58f30108f718f92721af3b95e74349a",
)
CIFAR100_REMOTE = Remote(
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "md5:eb9058c3a382ffc7106e4002c42a8d85",
)

CIFAR10_PLACES = (
    "cifar-10-batches-py",
    "cifar-10-batches-bin",
    "cifar-10-python.tar.gz",
    "cifar-10-binary.tar.gz",
    "cifar-10-batches-py-target",  # how Keras 3 stores it
    "cifar-10-batches-py.tar.gz",  # and Keras 2
)
CIFAR100_PLACES = (
    "cifar-100-python",
    "cifar-100-binary",
    "cifar-100-python.tar.gz",
    "cifar-100-binary.tar.gz",
    "cifar-100-python-target",
)

MNIST_MD5 = (  # of the original files of yann.lecun.com, which no longer serves them
    "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "d53e105ee54ea40749a09fcbcd1e9432",
    "9fb629c4189551a2d022fa330f9573f3",
    "ec29112dd5afa0611ce80d1b7f02629c",
)
FASHION_MNIST_MD5 = (  # https://github.com/zalandoresearch/fashion-mnist#get-the-data
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79",
    "bb300cfdad3c16e7a12a480ee83cd310",
)


def _idx_remotes(base: str, md5s: Sequence[str]) -> tuple[Remote, ...]:
    pairs = zip(IDX_FILES, md5s, strict=True)
    return tuple(Remote(f"{base}/{name}", f"md5:{md5}") for name, md5 in pairs)


def _mnist(class_names: Sequence[str], path: Path) -> Index:
    return from_npz(path) if path.suffix == ".npz" else from_idx(path, class_names)


CATALOG = {
    "digits": Named(
        "1,797 grey 8x8 images of handwritten digits; comes with scikit-learn",
        from_digits,
    ),
    "cifar10": Named(
        "60,000 colour 32x32 photos in 10 classes (163 MB)",
        from_cifar,
        CIFAR10_PLACES,
        (CIFAR10_REMOTE,),
    ),
    "cifar100": Named(
        "60,000 colour 32x32 photos in 100 classes (161 MB)",
        from_cifar,
        CIFAR100_PLACES,
        (CIFAR100_REMOTE,),
    ),
    "cifar100-coarse": Named(
        "CIFAR-100 in its 20 superclasses",
        partial(from_cifar, labels="coarse"),
        CIFAR100_PLACES,
        (CIFAR100_REMOTE,),
    ),
    "mnist": Named(
        "70,000 grey 28x28 images of handwritten digits (11 MB)",
        partial(_mnist, MNIST_CLASSES),
        ("mnist", "mnist.npz"),
        _idx_remotes("https://ossci-datasets.s3.amazonaws.com/mnist", MNIST_MD5),
    ),
    "fashion_mnist": Named(
        "70,000 grey 28x28 images of clothes in 10 classes (30 MB)",
        partial(_mnist, FASHION_MNIST_CLASSES),
        ("fashion-mnist", "fashion_mnist"),
        _idx_remotes(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/"
            "data/fashion",
            FASHION_MNIST_MD5,
        ),
    ),
    "elpv": Named(
        "2,624 grey 300x300 photos of solar cells, working or defective; "
        "pip install 'residency[elpv]'",
        from_elpv,
    ),
}


def list_datasets() -> tuple[tuple[str, str], ...]:
    """Returns `(name, one-line description)` of every data set known by name."""
    return tuple((name, named.description) for name, named in CATALOG.items())


def from_name(name: str, progress: Progress | None = None) -> Index:
    """Returns the index of a data set of the catalog, fetched if it must be.

    Looked for in this order: Residency's cache, Keras' cache, `/usr/share/datasets`;
    then its official place on the web.

    Args:
        name: One of `list_datasets()`.
        progress: Called with `(bytes done, bytes in all)` while it is fetched.

    Raises:
        DataError: It is on this machine nowhere and cannot be fetched, or damaged.
    """
    named = CATALOG[name]
    if not named.places:
        return named.read()
    path = find_local(named)
    if path is None:
        path = _fetched(name, named, progress)
    return replace(named.read(path), source=name)


def find_local(named: Named) -> Path | None:
    """Returns where a data set is on this machine already, if it is."""
    keras_home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    for folder in (cache_folder(), keras_home / "datasets", SYSTEM):
        for place in named.places:
            path = folder / place
            # A folder may hold half a download, or half an archive.
            if path.is_file() or (path.is_dir() and _is_complete(named, path)):
                return path
    return None


def _is_complete(named: Named, path: Path) -> bool:
    if len(named.remotes) == 1:
        return is_complete(path)
    ends = ("", ".gz")
    stems = [name.removesuffix(".gz") for name in IDX_FILES]
    return is_idx(path) and all(
        any((path / f"{stem}{end}").is_file() for end in ends) for stem in stems
    )


def _fetched(name: str, named: Named, progress: Progress | None) -> Path:
    """Downloads the files of a data set; returns the archive, or their folder."""
    several = len(named.remotes) > 1
    folder = cache_folder() / named.places[0] if several else cache_folder()
    try:
        paths = [fetch(remote, folder, progress) for remote in named.remotes]
    except DataError as error:
        files = ", ".join(remote.name for remote in named.remotes)
        raise DataError(
            f"{name}: not on this machine, and not to be fetched: {error} Put {files} "
            f"from {named.remotes[0].url.rsplit('/', 1)[0]}/ into {folder}."
        ) from error
    return folder if several else paths[0]
