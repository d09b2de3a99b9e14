"""The torch path: one step, one loop, precision, checkpoints, evaluation.

A model enters as a `Network`; the loop knows steps and hooks and nothing of
files. What is written to a run folder is written by the hooks.
"""

from residency import _backend  # noqa: F401  before anything imports Keras
