"""The table of networks."""

import importlib
import inspect
import subprocess
import sys
from dataclasses import fields

import pytest

from residency.models import ResidualOptions, list_models


@pytest.mark.parametrize("entry", list_models(), ids=lambda entry: entry.name)
def test_options_are_the_builders_arguments(entry):
    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(f"residency.models.{module}"), function)
    common = {"num_classes", "image_size", "preprocessing"}
    taken = set(inspect.signature(builder).parameters)
    if "options" in taken:  # **options of the residual networks
        taken = taken - {"options"} | {x.name for x in fields(ResidualOptions)}
    assert taken == common | set(entry.options) | set(entry.fixed)


def test_reading_the_catalog_loads_no_keras():
    code = (
        "import sys; from residency.models import Model, list_models; list_models();"
        "Model(name='resnet50', options={'stem': 'cifar'});"
        "assert not {'keras', 'torch'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
