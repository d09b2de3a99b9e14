"""The torch path: lowering, one step, one loop, precision, checkpoints, evaluation.

A model enters as a `Network`; the loop knows steps and hooks and nothing of
files. What is written to a run folder is written by the hooks. `lowering` turns a
Keras model into a torch module, `native` holds kernels in C.
"""

from residency import _backend  # noqa: F401  before anything imports Keras
from residency.engine.accelerate import accelerate
from residency.engine.lowering import Lowered, lower

__all__ = ["Lowered", "accelerate", "lower"]
