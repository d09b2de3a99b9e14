"""Train, validation and test: stratified, grouped, recorded in a file.

The split is a pure function of names, labels, groups, shares and seed: the order
of the files does not matter. Ready parts of a source are obeyed; what is missing
is cut as `make_split` says. A recorded split keeps every image where it was.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from residency.data.index import PARTS, Index, shortened
from residency.data.stratify import assign
from residency.errors import DataError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one sample went, and what tells that it is still the same."""

    part: str
    label: str
    """Class name."""
    stamp: str
    """Of its content, as `Index.stamps` has it."""

    def has_content_of(self, other: "Placed") -> bool:
        """Tells whether the stamps agree in what both have: the size, the CRC-32."""
        pairs = zip(self.stamp.split("-"), other.stamp.split("-"), strict=False)
        return all(a == b for a, b in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which sample is in which part, and how that was decided."""

    samples: Mapping[str, Placed]
    """By sample name."""
    seed: int
    validation: float
    """Share asked for, as in `make_split`."""
    test: float

    def positions(self, index: Index, part: str) -> np.ndarray:
        """Returns the positions in `index` of the samples of `part`, int64."""
        return np.array(
            [i for i, n in enumerate(index.names) if self._part_of(n) == part],
            dtype=np.int64,
        )

    def _part_of(self, name: str) -> str | None:
        placed = self.samples.get(name)
        return None if placed is None else placed.part

    def counts(self) -> dict[str, int]:
        """Returns the number of samples of each part."""
        found = Counter(placed.part for placed in self.samples.values())
        return {part: found[part] for part in PARTS}

    def to_json(self) -> dict[str, Any]:
        """Returns what `split.json` holds: stamps by part, class and sample name."""
        samples: dict[str, dict[str, dict[str, str]]] = {}
        for name, placed in self.samples.items():
            classes = samples.setdefault(placed.part, {})
            classes.setdefault(placed.label, {})[name] = placed.stamp
        return {
            "format": FORMAT,
            "seed": self.seed,
            "validation": self.validation,
            "test": self.test,
            "samples": samples,
        }

    @classmethod
    def from_json(cls, value: Any, where: str = "split.json") -> "Split":
        """Returns the split that `to_json` wrote.

        Raises:
            DataError: `value` is something else, or of another format.
        """
        try:
            found = value["format"]
            samples = {
                name: Placed(part, label, str(stamp))
                for part, classes in value["samples"].items()
                for label, stamps in classes.items()
                for name, stamp in stamps.items()
            }
            numbers = {key: value[key] for key in ("seed", "validation", "test")}
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{where}: not a recorded split: {error!r}.") from error
        for key, number in numbers.items():
            if not isinstance(number, int | float) or not math.isfinite(number):
                raise DataError(
                    f"{where}: not a recorded split: expected a number as {key!r}, "
                    f"got {number!r}."
                )
        if found != FORMAT or not set(value["samples"]) <= set(PARTS):
            raise DataError(
                f"{where}: expected a split of format {FORMAT} into "
                f"{', '.join(PARTS)}, got format {found!r} and "
                f"{', '.join(value['samples'])}."
            )
        return cls(samples=dict(sorted(samples.items())), **numbers)


@dataclass(frozen=True, slots=True)
class Changes:
    """How the data differ from those that were split; false if they do not."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    """Same name and class, another content."""
    relabelled: tuple[str, ...] = ()
    """Same name, another class."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.altered or self.relabelled)

    def __str__(self) -> str:
        lists = {
            "added": self.added,
            "removed": self.removed,
            "changed in content": self.altered,
            "moved to another class": self.relabelled,
        }
        said = [
            f"{len(names):,} {'image' if len(names) == 1 else 'images'} {what} "
            f"({shortened(names, 3)})"
            for what, names in lists.items()
            if names
        ]
        return "; ".join(said) or "no change"


def compare(old: Split, new: Split) -> Changes:
    """Returns what changed between two splits of one data set.

    Names, classes and stamps are compared. Parts are not: a sample that only went to
    another part is no change.
    """
    before, now = old.samples, new.samples
    both = [name for name in now if name in before]
    same = [name for name in both if now[name].label == before[name].label]
    altered = [name for name in same if not now[name].has_content_of(before[name])]
    return Changes(
        added=tuple(sorted(now.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - now.keys())),
        altered=tuple(sorted(altered)),
        relabelled=tuple(sorted(set(both) - set(same))),
    )


def find_again(names: Iterable[str], now: Split, old: Split) -> dict[str, int]:
    """Returns how many of the samples `names` of `now` lay in each part of `old`.

    Found again is a sample of the same name and content.
    """
    pairs = [(now.samples[n], old.samples[n]) for n in names if n in old.samples]
    found = Counter(then.part for new, then in pairs if new.has_content_of(then))
    return {part: found[part] for part in PARTS}


def make_split(
    index: Index,
    *,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    recorded: Split | None = None,
) -> Split:
    """Returns the three-way split of `index`.

    What is cut depends on the parts that the source has ready:

    | ready | cut |
    |---|---|
    | none, or train alone | validation and test, each a share of all images |
    | train and test | validation, a share of the train part |
    | train and validation | nothing: there is no test part |
    | all three | nothing |

    Each class is shared out by largest remainder, and no part of a class that has
    as many images as parts stays empty. Whole groups move together, largest first.

    Args:
        index: The samples; its groups, if any, stay together.
        validation: Share in `[0, 1)`; 0 cuts none.
        test: Share in `[0, 1)`; 0 cuts none.
        seed: Another seed, another choice of images; same seed, same choice.
        recorded: An older split, whose images stay where they are and whose shares
            and seed rule; images that it does not know restore the shares.

    Raises:
        DataError: A part or the training images of a class would be empty, a group
            lies on two sides, or the shares leave nothing to train on.
    """
    if recorded is not None:
        validation, test, seed = recorded.validation, recorded.test, recorded.seed
    if min(validation, test) < 0 or validation + test >= 1:
        raise DataError(
            f"{index.source}: expected shares of validation and test that leave a "
            f"train part, got {validation} and {test}."
        )
    shares, fixed = _shares_and_fixed(index, validation, test)
    if recorded is not None:
        known = recorded.samples
        fixed |= {name: known[name].part for name in index.names if name in known}
    parts = assign(index, shares, fixed, seed)
    _require_filled(index, parts, shares)
    columns = zip(index.names, index.labels, index.stamps(), strict=True)
    samples = {
        name: Placed(parts[name], index.class_names[label], stamp)
        for name, label, stamp in sorted(columns)
    }
    return Split(samples=samples, seed=seed, validation=validation, test=test)


def read_split(path: str | Path) -> Split:
    """Returns the split in a file that holds what `Split.to_json` gave.

    Raises:
        DataError: There is no such file, or it is something else.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: no split can be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a recorded split: {error}.") from error
    return Split.from_json(value, str(path))


def _shares_and_fixed(
    index: Index, validation: float, test: float
) -> tuple[dict[str, float], dict[str, str]]:
    """Returns the share of each part to cut, and where samples are already."""
    ready = set(index.parts or ())
    if index.parts is None or ready <= {"train"}:
        train = 1 - validation - test
        return {"train": train, "validation": validation, "test": test}, {}
    pairs = zip(index.names, index.parts, strict=True)
    fixed = {name: part for name, part in pairs if part != "train"}
    if "validation" in ready:
        return {"train": 1.0}, fixed
    return {"train": 1 - validation, "validation": validation}, fixed


def _require_filled(
    index: Index, parts: Mapping[str, str], shares: Mapping[str, float]
) -> None:
    """Raises `DataError` for a part or a class to train on without images.

    A class that has none in any part is no mistake: one-hot labels may foresee it.
    """
    trained = {
        int(label)
        for name, label in zip(index.names, index.labels, strict=True)
        if parts[name] == "train"
    }
    for label, name in enumerate(index.class_names):
        count = int((index.labels == label).sum())
        if count and label not in trained:
            raise DataError(
                f"{index.source}: class {name!r} has no image to train on: none of "
                f"its {count:,} images is in the train part."
            )
    wanted = {part for part, share in shares.items() if share > 0}
    few, what = f"{len(index.class_names)} classes", "images"
    if index.groups is not None:
        count = len(set(index.groups))
        few, what = f"{count:,} groups, each of which stays on one side,", "groups"
    for part in PARTS:
        if part in wanted | set(index.parts or ()) and part not in parts.values():
            raise DataError(
                f"{index.source}: the {part} part is empty: {len(index):,} images in "
                f"{few} are too few for it. Add {what}, or set its share to 0."
            )
