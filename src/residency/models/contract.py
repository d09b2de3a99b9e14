"""The model file: a `.keras` archive that also says what goes in and comes out.

Plain Keras opens it; the extra member `residency.json` holds the `Contract`.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import keras

from residency import __version__
from residency.config import from_json, require, to_json
from residency.errors import ConfigError, ExportError, did_you_mean
from residency.files import replacing

MEMBER = "residency.json"
_MAX_JSON_BYTES = 16 * 2**20  # 100,000 class names of 160 characters
_MAX_CONFIG_BYTES = 256 * 2**20  # a mean image of 1024 x 1024 takes 60 MB as text
_MAX_NAME = 200
_MAX_BYTES = 16 * 2**30  # all members unpacked: four billion float32 weights
_SMALL_BYTES = 2**30  # below, a file may unpack to any multiple of its size
_MAX_RATIO = 200  # trained weights hardly shrink; a bomb unpacks to 1,000 times itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Contract:
    """What the user of a model file must know, and cannot read off the network.

    Example:

    >>> Contract(class_names=("cat", "dog"), image_size=32).resize
    'stretch'
    """

    class_names: tuple[str, ...]
    """In the order of the outputs; each of 1 to 200 characters."""
    image_size: int
    """Side in pixels of the images it was trained on."""
    resize: Literal["stretch", "pad", "crop"] = "stretch"
    """How a photo becomes square: `"stretch"`, `"pad"` or `"crop"`."""
    preprocessing: str = ""
    """In words; the arithmetic itself is the model's first layer."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """The resolved recipe, as `residency.config.to_json` gives it."""
    validation_accuracy: str = ""
    """In words, with its interval and number of images."""
    residency_version: str = __version__

    def __post_init__(self) -> None:
        require(self, "class_names", len(self.class_names) > 0, "one name or more")
        for name in self.class_names:
            if not 0 < len(name) <= _MAX_NAME:
                raise ConfigError(
                    f"Contract.class_names: expected names of 1 to {_MAX_NAME} "
                    f"characters, got {len(name)} in {name[:40]!r}."
                )
        require(self, "image_size", self.image_size > 0, "1 pixel or more")
        require(
            self,
            "resize",
            self.resize in ("stretch", "pad", "crop"),
            "stretch, pad or crop",
        )


def save_model(
    model: keras.Model, path: str | Path, contract: Contract | None = None
) -> None:
    """Writes a model and its contract as one `.keras` file, whole or not at all.

    Args:
        model: Any Keras model.
        path: Ends in `.keras`; folders are made, an older file is replaced.
        contract: What travels with it; `None` for a plain Keras file.

    Raises:
        ConfigError: `path` ends in something else, or the contract is too large or
            names another number of classes than the model has outputs.
        ExportError: The file cannot be written; an older one is untouched.
    """
    path = Path(path)
    if path.suffix != ".keras":
        raise ConfigError(
            f"{path}: expected a name that ends in .keras, got {path.suffix!r}."
        )
    text = _dumps(contract, model) if contract else ""
    with replacing(path) as temporary:
        model.save(temporary)
        if text:
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(MEMBER, text)


def load_model(path: str | Path) -> tuple[keras.Model, Contract | None]:
    """Reads a `.keras` file; runs no code from it.

    Args:
        path: A file of `save_model`, or of Keras.

    Returns:
        The model, not compiled, and its contract; `None` where Keras alone wrote it.

    Raises:
        ExportError: The file is missing, damaged, not a Keras file, unreasonably
            large inside, or holds code (a `Lambda` layer) or unknown layers.
    """
    path = Path(path)
    _require_keras_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            require_sane_size(archive, path)
            _require_no_lambda(_read(archive, "config.json", _MAX_CONFIG_BYTES), path)
            held = MEMBER in archive.namelist()
            text = _read(archive, MEMBER, _MAX_JSON_BYTES) if held else None
        contract = from_json(Contract, json.loads(text)) if text else None
        model: Any = keras.saving.load_model(path, compile=False, safe_mode=True)
    except ExportError:
        raise
    except Exception as error:  # a damaged file may break any reader, in any way
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise ExportError(
            f"{path}: cannot be read as a model ({reason or type(error).__name__}). "
            "Copy the file again, or load it where its custom layers are defined."
        ) from error
    return model, contract


def _dumps(contract: Contract, model: keras.Model) -> str:
    outputs = model.output_shape[-1] if isinstance(model.output_shape, tuple) else None
    expected = 2 if outputs == 1 else outputs  # one output tells two classes apart
    if isinstance(expected, int) and expected != len(contract.class_names):
        raise ConfigError(
            f"Contract.class_names: expected {expected} names, one a class, got "
            f"{len(contract.class_names)}."
        )
    text = json.dumps(to_json(contract), ensure_ascii=False, indent=1)
    if len(text.encode()) > _MAX_JSON_BYTES:
        raise ConfigError(
            f"Contract: expected at most {_MAX_JSON_BYTES} bytes as JSON, got "
            f"{len(text.encode())}. Shorten the class names."
        )
    return text


def _require_keras_file(path: Path) -> None:
    if not path.is_file():
        names = [other.name for other in path.parent.glob("*.keras")]
        raise ExportError(
            f"{path}: no such model file.{did_you_mean(path.name, names)}"
        )
    if path.suffix != ".keras":
        raise ExportError(
            f"{path}: expected a .keras file. Other formats are loaded by the program "
            "that wrote them; save them from there as .keras."
        )
    if not zipfile.is_zipfile(path):
        raise ExportError(
            f"{path}: not a Keras file, or its end is missing "
            f"({path.stat().st_size:,} bytes). Copy or save it again."
        )


def require_sane_size(archive: zipfile.ZipFile, path: Path) -> None:
    """Raises `ExportError` by the declared sizes; a member never unpacks to more."""
    require_unpacked(path, sum(member.file_size for member in archive.infolist()))


def require_unpacked(path: Path, unpacked: int) -> None:
    """Raises `ExportError` where a file's size does not allow for `unpacked` bytes."""
    packed = path.stat().st_size
    limit = min(_MAX_BYTES, max(_SMALL_BYTES, _MAX_RATIO * packed))
    if unpacked > limit:
        raise ExportError(
            f"{path}: has {packed:,} bytes and would unpack to {unpacked:,}, more than "
            f"the {limit:,} a model of this size may have. It is not loaded."
        )


def _read(archive: zipfile.ZipFile, member: str, limit: int) -> bytes:
    """Returns a member of the archive; raises `ValueError` above `limit` bytes."""
    with archive.open(member) as file:  # the header may lie: read, and count
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{member} has more than {limit:,} bytes")
    return content


def _require_no_lambda(config: bytes, path: Path) -> None:
    for item in _objects(json.loads(config)):
        if item.get("class_name") in ("Lambda", "__lambda__"):
            name = item.get("name") or (item.get("config") or {}).get("name")
            raise ExportError(
                f"{path}: layer {name!r} is a Lambda, which is Python code inside the "
                "file; it would run on loading, so it is refused. Where you trust the "
                "file: replace the Lambda with a standard layer or keras.ops, and save "
                "again."
            )


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _objects(item)
