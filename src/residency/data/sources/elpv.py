"""ELPV: 2,624 photos of solar cells by electroluminescence, working or defective.

The probability of a defect (0, 1/3, 2/3 or 1) becomes two classes at one half.
Reference: [Deitsch et al., 2019](https://doi.org/10.1016/j.solener.2019.02.067).
"""

import importlib.util
from pathlib import Path

from residency.data.index import Index
from residency.data.sources.image_files import Found, index_files
from residency.errors import DataError

THRESHOLD = 0.5
"""Cells with this probability of a defect, or more, are defective."""


def from_elpv(folder: str | Path | None = None) -> Index:
    """Returns the index of the solar cells: `"defective"` and `"functional"`.

    Args:
        folder: Where `labels.csv` and `images/` are; the installed package
            `elpv-dataset` if not given.

    Raises:
        DataError: The package is not installed, or its list cannot be read.
    """
    root = _installed() if folder is None else Path(folder)
    table = root / "labels.csv"
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
        fields = [line.split() for line in lines if line.strip()]
        samples = [(name, float(probability)) for name, probability, _ in fields]
    except (OSError, ValueError) as error:
        raise DataError(
            f"elpv: {table} cannot be read as rows of path, probability and cell "
            f"type: {error}."
        ) from error
    return index_files(
        "elpv",
        [
            Found(
                name,
                root / name,
                (root / name).stat().st_size if (root / name).is_file() else 0,
                label="defective" if probability >= THRESHOLD else "functional",
                part=None,
            )
            for name, probability in sorted(samples)
        ],
    )


def _installed() -> Path:
    spec = importlib.util.find_spec("elpv_dataset")
    if spec is None or spec.origin is None:
        raise DataError(
            "elpv: the package elpv-dataset is not installed (90 MB). Install it with: "
            "pip install 'residency[elpv]'"
        )
    return Path(spec.origin).parent / "data"
