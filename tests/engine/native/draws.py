"""Numbers to try kernels on."""

import torch


def draw(*shape, seed=0):
    """Returns normal numbers, float32: the same ones for the same shape and seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator)


def draw_narrow(*shape, seed=0):
    """Returns them in bfloat16."""
    return draw(*shape, seed=seed).bfloat16()
