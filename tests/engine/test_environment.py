"""What a run ran on, and nothing private."""

import json

import keras
import torch

from residency.engine.environment import describe_environment


def test_versions_and_hardware_are_true():
    found = describe_environment()
    assert found["versions"]["keras"] == keras.__version__
    assert found["versions"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found["threads"] == torch.get_num_threads()


def test_no_environment_variable_is_recorded(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    assert "hunter2" not in json.dumps(describe_environment())
