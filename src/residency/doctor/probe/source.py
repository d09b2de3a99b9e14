"""Any data that `fit` takes, as batches that can be read again."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from residency.errors import DataError

Batch = tuple[Any, Any, Any]
"""Inputs, labels and sample weights as NumPy arrays, or `None`; inputs may be a list or
dict of arrays."""
_SHARED_BYTES = 100_000


class Source:
    """Batches of one part, in the order in which training would get them.

    Args:
        data: Arrays `(x, y)` or `(x, y, weights)`, a `PyDataset` (or a generator of
            Keras' old image preprocessing), a tf.data `Dataset`, a torch `DataLoader`,
            a `Pipeline` of ours, or an iterator, of which what is read is used up.
        batch_size: Of arrays; the rest bring their own.

    Raises:
        DataError: It is none of these, or arrays without samples or of several lengths.
    """

    def __init__(self, data: Any, batch_size: int = 32) -> None:
        self.data = data
        self.batch_size = batch_size
        self.is_arrays = _is_arrays(data)
        self.is_indexed = isinstance(data, keras.utils.PyDataset)
        self.is_iterator = hasattr(data, "__next__") and not self.is_indexed
        given = self.is_arrays or self.is_indexed or hasattr(data, "__iter__")
        if not given or isinstance(data, str | bytes | Path) or hasattr(data, "ndim"):
            raise DataError(
                "diagnose: expected arrays (x, y), a PyDataset, a tf.data Dataset, a "
                f"DataLoader or batches, got {type(data).__name__}.{_hint(data)}"
            )
        if self.is_arrays:
            _require_alike(data)

    @property
    def steps(self) -> int | None:
        """Batches of one pass; `None`: not known."""
        if self.is_arrays:
            return -(-len(_first(self.data)) // self.batch_size)
        for count in (lambda: len(self.data), lambda: int(self.data.cardinality())):
            try:
                found = count()
            except (TypeError, AttributeError, NotImplementedError, ValueError):
                continue
            if found is not None and found >= 0:
                return int(found)
        return None

    @property
    def size(self) -> int | None:
        """Samples of one pass, where it is known without a pass."""
        if self.is_arrays:
            return len(_first(self.data))
        for holder in (self.data, getattr(self.data, "dataset", None)):
            for name in ("num_samples", "samples", "n"):
                found = getattr(holder, name, None)
                if isinstance(found, int) and found > 0:
                    return found
        dataset: Any = getattr(self.data, "dataset", None)
        return len(dataset) if hasattr(dataset, "__len__") else None

    def batches(self) -> Iterator[Batch]:
        """Yields the batches of a pass; of an iterator, what is left of it."""
        if self.is_arrays:
            yield from self._slices()
            return
        if self.is_indexed:
            given: Any = (self.data[n] for n in range(len(self.data)))
        else:
            given = iter(self.data)
        for batch in given:
            yield to_arrays(batch)

    def next_epoch(self) -> "Source | None":
        """Returns the data as the next epoch would bring them; `None`: not known.

        `on_epoch_end` is called on a copy; large arrays are shared with it.
        """
        if self.is_arrays or self.is_iterator:
            return None
        if not self.is_indexed:
            return self
        try:
            memo = {
                id(value): value
                for value in vars(self.data).values()
                if isinstance(value, np.ndarray) and value.nbytes > _SHARED_BYTES
            }
            data = copy.deepcopy(self.data, memo)
            data.on_epoch_end()
        except Exception:  # the user's own class: what it holds may not copy
            return None
        return Source(data, self.batch_size)

    def _slices(self) -> Iterator[Batch]:
        """Yields batches of arrays in a fixed random order: `fit` shuffles them."""
        x, y, weights = (*self.data, None, None)[:3]
        order = np.random.default_rng(0).permutation(len(_first(self.data)))
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            yield to_arrays(
                keras.tree.map_structure(
                    lambda a, rows=rows: None if a is None else np.asarray(a)[rows],
                    (x, y, weights),
                )
            )


def to_arrays(batch: Any) -> Batch:
    """Returns a batch of any framework as NumPy arrays `(x, y, weights)`.

    Raises:
        DataError: It is a sequence of other parts.
    """
    if isinstance(batch, list):
        batch = tuple(batch)
    if isinstance(batch, tuple) and not 1 <= len(batch) <= 3:
        raise DataError(
            "diagnose: expected batches (x, y) or (x, y, weights) of arrays, got a "
            f"sequence of {len(batch):,}. Make arrays of lists by np.asarray(...)."
        )
    x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
    return tuple(
        None if part is None else keras.tree.map_structure(_to_array, part)
        for part in (x, y, weights)
    )  # pyright: ignore[reportReturnType]


def first_rows(batch: Batch, rows: int) -> Batch:
    """Returns the first samples of a batch."""
    return tuple(
        None if part is None else keras.tree.map_structure(lambda a: a[:rows], part)
        for part in batch
    )  # pyright: ignore[reportReturnType]


def rows_of(batch: Batch) -> int:
    """Returns how many samples a batch has."""
    return len(_first(batch[0]))


def _to_array(value: Any) -> np.ndarray | None:
    if value is None:
        return None
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value)


def _is_arrays(data: Any) -> bool:
    if not isinstance(data, list | tuple) or not 1 <= len(data) <= 3:
        return False
    return all(
        hasattr(a, "shape") and hasattr(a, "__getitem__")
        for a in keras.tree.flatten(data)
        if a is not None
    )


def _first(arrays: Any) -> Any:
    return keras.tree.flatten(arrays)[0]


def _hint(data: Any) -> str:
    if isinstance(data, str | Path):
        return f" Load it first, by residency.data.load({str(data)!r})."
    if hasattr(data, "ndim"):
        return " Pass (x, y), or (x,) for a model that learns without labels."
    return ""


def _require_alike(arrays: Any) -> None:
    """Raises `DataError` unless all arrays have as many samples, one at least."""
    lengths = [len(a) for a in keras.tree.flatten(arrays) if a is not None]
    if not lengths or 0 in lengths:
        raise DataError("diagnose: the arrays hold no samples. Pass some of training.")
    if len(set(lengths)) > 1:
        counts = ", ".join(f"{n:,}" for n in lengths)
        raise DataError(
            f"diagnose: the arrays have {counts} samples. Each input needs its label: "
            "pass as many of each."
        )
