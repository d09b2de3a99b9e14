"""The error family: every error a user can cause, and nothing else.

    ResidencyError
    |-- ConfigError (ValueError)    a setting, recipe, model or field that does not fit
    |-- DataError (ValueError)      images, labels, folders and archives
    |   `-- BrokenImageError        one unreadable image: quarantined, never fatal
    |-- EngineError (RuntimeError)  training that cannot start or go on
    `-- ExportError (RuntimeError)  a model file that cannot be written or read

A message says where, what was got, what was expected and what to do. The
command line prints it as one line and exits with status 2.
"""

import difflib
from collections.abc import Iterable


class ResidencyError(Exception):
    """Base of all errors that the user can mend."""


class ConfigError(ResidencyError, ValueError):
    """A setting, recipe, model or field that does not exist or does not fit."""


class DataError(ResidencyError, ValueError):
    """Images, labels, folders and archives that cannot be used."""


class BrokenImageError(DataError):
    """One image that cannot be decoded; the message is the reason alone."""


class EngineError(ResidencyError, RuntimeError):
    """Training that cannot start or cannot go on."""


class ExportError(ResidencyError, RuntimeError):
    """A model file that cannot be written or read."""


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the closest of `options`, or `""`.

    Initials count as close: `lr` is `learning_rate`.

    Example:

    >>> did_you_mean("resnet5", ["resnet50", "vgg16"])
    " Did you mean 'resnet50'?"
    >>> did_you_mean("optimizer.lr", ["optimizer.momentum", "optimizer.learning_rate"])
    " Did you mean 'optimizer.learning_rate'?"
    >>> did_you_mean("zebra", ["resnet50", "vgg16"])
    ''
    """
    options = list(options)
    close = [option for option in options if _initials(option) == word]
    close += difflib.get_close_matches(word, options, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def _initials(path: str) -> str:
    """Returns `a.lr` for `a.learning_rate`, and nothing for a single word."""
    before, dot, name = path.rpartition(".")
    words = name.split("_")
    return before + dot + "".join(w[:1] for w in words) if len(words) > 1 else ""
