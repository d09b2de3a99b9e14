"""EfficientNet-Lite0 in plain torch, straight from a state dict; the tests' oracle.

Written from the table of blocks in TensorFlow's `efficientnet_lite_builder.py`, with
the names of `efficientnet_pytorch`. It shares nothing with `residency.models`.
"""

import torch
from torch.nn import functional

TABLE = """
    r1_k3_s1_e1_i32_o16   r2_k3_s2_e6_i16_o24   r2_k5_s2_e6_i24_o40
    r3_k3_s2_e6_i40_o80   r3_k5_s1_e6_i80_o112  r4_k5_s2_e6_i112_o192
    r1_k3_s1_e6_i192_o320
"""
"""Repeats, kernel, stride of the first, expansion, channels in and out."""


def forward(state, images):
    """Returns logits, `(batch, classes)`.

    Args:
        state: The state dict, on any dtype.
        images: `(batch, height, width, 3)`, RGB in 0..255, of that dtype.
    """
    x = (images.permute(0, 3, 1, 2) - 127) / 128
    x = _unit(state, x, "_conv_stem", "_bn0", stride=2).clamp(0, 6)
    number = 0
    for row in TABLE.split():
        repeats, _, first_stride, expansion, _, _ = (int(s[1:]) for s in row.split("_"))
        for repeat in range(repeats):
            stride = 1 if repeat else first_stride
            y = _block(state, x, f"_blocks.{number}.", stride, expansion)
            x = x + y if repeat else y
            number += 1
    x = _unit(state, x, "_conv_head", "_bn1").clamp(0, 6).mean((2, 3))
    return functional.linear(x, state["_fc.weight"], state["_fc.bias"])


def random_state(classes=1000, seed=0):
    """Returns weights and statistics of a sensible size, float64, in torch's order."""
    generator = torch.Generator().manual_seed(seed)
    state = {}

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def unit(conv, norm, out, into, size):
        shape = (out, into, size, size)
        state[f"{conv}.weight"] = normal(*shape) * (2 / (into * size**2)) ** 0.5
        state[f"{norm}.weight"] = 1 + 0.1 * normal(out)
        state[f"{norm}.bias"] = 0.1 * normal(out)
        state[f"{norm}.running_mean"] = 0.1 * normal(out)
        state[f"{norm}.running_var"] = torch.exp(0.2 * normal(out))
        state[f"{norm}.num_batches_tracked"] = torch.tensor(0)

    unit("_conv_stem", "_bn0", 32, 3, 3)
    number = 0
    for row in TABLE.split():
        repeats, size, _, expansion, into, out = (int(s[1:]) for s in row.split("_"))
        for repeat in range(repeats):
            block, channels = f"_blocks.{number}", out if repeat else into
            wide = channels * expansion
            if expansion > 1:
                unit(f"{block}._expand_conv", f"{block}._bn0", wide, channels, 1)
            unit(f"{block}._depthwise_conv", f"{block}._bn1", wide, 1, size)
            unit(f"{block}._project_conv", f"{block}._bn2", out, wide, 1)
            number += 1
    unit("_conv_head", "_bn1", 1280, 320, 1)
    state["_fc.weight"] = normal(classes, 1280) / 1280**0.5
    state["_fc.bias"] = 0.1 * normal(classes)
    return state


def _block(state, x, block, stride, expansion):
    if expansion > 1:
        x = _unit(state, x, f"{block}_expand_conv", f"{block}_bn0").clamp(0, 6)
    x = _unit(state, x, f"{block}_depthwise_conv", f"{block}_bn1", stride).clamp(0, 6)
    return _unit(state, x, f"{block}_project_conv", f"{block}_bn2")


def _unit(state, x, conv, norm, stride=1):
    weight = state[f"{conv}.weight"]
    for axis in (3, 2):  # TensorFlow's "SAME": the odd zero comes last
        size, kernel = x.shape[axis], weight.shape[axis]
        zeros = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        around = [0, 0] * (3 - axis) + [zeros // 2, zeros - zeros // 2]
        x = functional.pad(x, around)
    groups = x.shape[1] // weight.shape[1]
    x = functional.conv2d(x, weight, stride=stride, groups=groups)
    mean, variance, gamma, beta = (
        state[f"{norm}.{part}"][:, None, None]
        for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(variance + 1e-3) * gamma + beta
