"""Which tensors weight decay leaves alone."""

from collections.abc import Sequence


def is_exempt(path: str, exempt: Sequence[str]) -> bool:
    """Tells whether the variable at `path` is free of weight decay.

    Args:
        path: A Keras variable's path, `layer/kernel`.
        exempt: Words; a variable is exempt when the last part of its path is one
            of them.

    Example:

    >>> is_exempt("conv1_bn/gamma", ("gamma", "beta", "bias"))
    True
    >>> is_exempt("conv1_conv/kernel", ("gamma", "beta", "bias"))
    False
    """
    return path.rsplit("/", 1)[-1] in exempt
