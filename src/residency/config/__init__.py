"""The typed-config kernel: set by path, check, compare, JSON, hash.

It knows dataclasses and nothing of models, data or training. A config class
lives in the file of the thing it makes; it is frozen, keyword-only and checks
its fields in `__post_init__` with the `require_*` functions.
"""

from residency.config.check import (
    require,
    require_between,
    require_not_negative,
    require_one_of,
    require_positive,
)
from residency.config.codec import config_hash, from_json, leaves, to_json
from residency.config.diff import Difference, diff
from residency.config.paths import set_paths

__all__ = [
    "Difference",
    "config_hash",
    "diff",
    "from_json",
    "leaves",
    "require",
    "require_between",
    "require_not_negative",
    "require_one_of",
    "require_positive",
    "set_paths",
    "to_json",
]
