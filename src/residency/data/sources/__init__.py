"""One file a source of images; each has a function that returns an `Index`.

Here: finding images, labels and class names, reading foreign file formats safely.
Not here: decoding photos (`data.decode`), splitting (`data.splits`), downloading
(`data.download`).
"""

from residency.data.sources.arrays import from_arrays, from_npz
from residency.data.sources.catalog import from_name, list_datasets
from residency.data.sources.cifar import from_cifar
from residency.data.sources.digits import from_digits
from residency.data.sources.elpv import from_elpv
from residency.data.sources.folder import from_folder
from residency.data.sources.idx import from_idx
from residency.data.sources.resolve import resolve
from residency.data.sources.table import from_csv

__all__ = [
    "from_arrays",
    "from_cifar",
    "from_csv",
    "from_digits",
    "from_elpv",
    "from_folder",
    "from_idx",
    "from_name",
    "from_npz",
    "list_datasets",
    "resolve",
]
