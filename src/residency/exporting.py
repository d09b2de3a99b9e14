"""A trained model's weights as a file for other programs."""

from pathlib import Path
from typing import Any

from residency.errors import ConfigError
from residency.models import save_weights
from residency.trained import open_trained


def export(run_or_model: Any, out: str | Path, file_format: str = "") -> Path:
    """Writes the weights of a trained model, reads them back and compares.

    Args:
        run_or_model: A `Run`, a run folder, a `.keras` file or a Keras model.
        out: Ends in `.keras`, `.weights.h5`, `.h5` or `.safetensors`; see
            `residency.models.save_weights`.
        file_format: What the name should end in; `""` for whatever it does.

    Returns:
        The file.

    Raises:
        ConfigError: A name of another ending, or a model that the format cannot hold.
        ExportError: No such model, or the file cannot be written.
    """
    out = Path(out)
    if file_format and not out.name.endswith(f".{file_format}"):
        raise ConfigError(
            f"--format {file_format}: expected --out to end in .{file_format}, got "
            f"{str(out)!r}. Change one of them, or leave --format out."
        )
    trained = open_trained(run_or_model)
    save_weights(trained.model, out, trained.contract if trained.named else None)
    return out
