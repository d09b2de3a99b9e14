"""`residency export`."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[Path, typer.Argument(help="A run folder or a .keras file.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    file_format: Annotated[
        str,
        typer.Option(
            "--format", help="keras, weights.h5, h5 or safetensors; else by --out."
        ),
    ] = "",
) -> None:
    """Write a trained model's weights for other programs; they are read back."""
    from residency.exporting import export as write

    file = write(model, out, file_format)
    print(f"{file}: {file.stat().st_size:,} bytes, read back and equal")
