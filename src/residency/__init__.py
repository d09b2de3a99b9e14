"""Train image classifiers in Keras: the paper's number, native speed, the reason.

The public names are imported when first used, so that `import residency` and
`residency --help` need neither Keras nor torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

from residency import _backend  # noqa: F401  before the user imports Keras

if TYPE_CHECKING:
    from residency import data, engine, models, recipes
    from residency.doctor import diagnose
    from residency.engine import accelerate
    from residency.evaluation import evaluate
    from residency.prediction import predict
    from residency.run import resume, train

__version__ = "0.1.0"

_HOMES = {
    "data": "residency.data",
    "engine": "residency.engine",
    "accelerate": "residency.engine",
    "models": "residency.models",
    "recipes": "residency.recipes",
    "diagnose": "residency.doctor",
    "train": "residency.run",
    "resume": "residency.run",
    "evaluate": "residency.evaluation",
    "predict": "residency.prediction",
}

__all__ = [
    "__version__",
    "accelerate",
    "data",
    "diagnose",
    "engine",
    "evaluate",
    "models",
    "predict",
    "recipes",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'residency' has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name])
    return module if _HOMES[name].endswith(f".{name}") else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
