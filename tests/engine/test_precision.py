"""Which precisions there are, and what they change."""

import pytest
import torch

from residency.engine.precision import autocast, autocast_dtype, require_precision
from residency.errors import EngineError

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("precision", "told"), [("float8", "float8"), ("float16", "needs a CUDA GPU")]
)
def test_what_is_not_there_is_refused(precision, told):
    with pytest.raises(EngineError, match=told):
        require_precision(precision, CPU)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_products_are_in_the_precision(precision, dtype):
    require_precision(precision, CPU)
    with autocast(CPU, precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_the_precision_of_products_is_told_on_any_device():
    for device in (CPU, torch.device("meta")):
        assert autocast_dtype(device) is None
    with autocast(CPU, "bfloat16"):
        assert autocast_dtype(CPU) == torch.bfloat16
        assert autocast_dtype(torch.device("meta")) is None
