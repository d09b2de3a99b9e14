"""One step of a lowered model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Run = Callable[..., Any]
"""Takes the call's tensors in Keras' layout and `training=`; returns what the Keras
operation returns."""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of the graph with the slots that it reads and writes."""

    name: str
    operation: Any
    """The Keras layer or operation; of fused calls, the first."""
    run: Run
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    kept: bool = False
    """Called as the Keras layer it is."""
    casts: bool = False
    """Takes some tensor in another dtype than the one it comes in."""
