"""What a load did, layer by layer: the record that nothing was skipped silently."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "matched", "adapted", "new", "not used", "shape differs", "not in file", "left over"
]

FATAL = ("shape differs", "not in file", "left over")
"""With one of these in its report, a load changes nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerLoad:
    """What became of one layer of the model, or of one name of the file."""

    layer: str
    """Name of the model's layer; of the file's array where it is left over."""
    status: Status
    """`"matched"`: all arrays copied. `"adapted"`: copied after a change that `reason`
    names. `"new"`: left as it was built, which `reason` explains. `"not used"`: the
    head of the file, where that is new. The rest are faults:
    `"shape differs"`, `"not in file"`, and `"left over"` in the file."""
    reason: str = ""
    source: tuple[str, ...] = ()
    """Names in the file that were copied."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadReport:
    """One load of a file of weights into a model.

    Example:

    >>> report = LoadReport(file="a.pth", model="net", origin="ours", layers=(
    ...     LayerLoad(layer="conv1", status="matched"),
    ...     LayerLoad(layer="predictions", status="new", reason="10 classes, not 4"),
    ... ))
    >>> report.loaded
    True
    >>> print("\\n".join(report.lines()))
    a.pth (ours) into net: 1 matched, 1 new
    predictions: new (10 classes, not 4)
    """

    file: str
    model: str
    origin: str
    """Whose names and shapes the file has, in words."""
    layers: tuple[LayerLoad, ...]
    notes: tuple[str, ...] = ()
    """What else was done or left out, such as counters that no layer has."""

    @property
    def loaded(self) -> bool:
        """Whether the weights were assigned: no layer has a fault."""
        return not any(layer.status in FATAL for layer in self.layers)

    @property
    def remarkable(self) -> tuple[LayerLoad, ...]:
        """Every layer that was not simply matched."""
        return tuple(layer for layer in self.layers if layer.status != "matched")

    @property
    def counts(self) -> str:
        """How many layers of each status, in words."""
        counts = Counter(layer.status for layer in self.layers)
        return ", ".join(f"{number} {status}" for status, number in counts.items())

    def lines(self, most: int = 20) -> list[str]:
        """Returns the report for people: the counts, then what is out of the ordinary.

        Args:
            most: Layers named one by one; of the rest the number is given.
        """
        odd = [_line(layer) for layer in self.remarkable]
        if len(odd) > most:
            odd = [*odd[:most], f"and {len(odd) - most} more"]
        return [
            f"{self.file} ({self.origin}) into {self.model}: {self.counts}",
            *odd,
            *self.notes,
        ]


def faults(layers: Iterable[LayerLoad]) -> Iterator[LayerLoad]:
    """Yields the layers for whose sake nothing is loaded."""
    return (layer for layer in layers if layer.status in FATAL)


def _line(layer: LayerLoad) -> str:
    reason = f" ({layer.reason})" if layer.reason else ""
    return f"{layer.layer}: {layer.status}{reason}"
