"""The backend is chosen before any test module imports Keras."""

from residency import _backend  # noqa: F401
