"""The public names exist, and the first ones cost neither Keras nor torch."""

import importlib
import os
import pkgutil
import subprocess
import sys

import pytest

import residency

PACKAGES = ["residency"] + [
    module.name
    for module in pkgutil.walk_packages(residency.__path__, "residency.")
    if module.ispkg
]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_exists(name):
    package = importlib.import_module(name)
    assert package.__doc__
    public = getattr(package, "__all__", [])
    assert len(set(public)) == len(public)
    assert [each for each in public if not hasattr(package, each)] == []


@pytest.mark.parametrize(
    "arguments",
    [["-c", "import residency"], ["-m", "residency", "--help"]],
    ids=["import", "help"],
)
def test_the_first_steps_load_neither_keras_nor_torch(arguments):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "residency" in loaded
    assert not loaded & {"keras", "torch", "numpy", "PIL", "matplotlib"}
