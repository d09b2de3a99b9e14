"""Arrays of PyTorch and of other inputs in the shapes that Keras' layers have."""

import numpy as np


def from_torch(
    array: np.ndarray,
    expected: tuple[int, ...],
    flattened: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Returns an array of a state dict in the order of a Keras layer's axes.

    Where the numbers do not fit `expected`, the shape that comes out does not either.

    Args:
        array: A convolution's kernel `(out, in / groups, height, width)`, a dense
            kernel `(out, in)`, or one number a channel.
        expected: Shape of the Keras variable; a depthwise kernel is
            `(height, width, channels, multiplier)`.
        flattened: `(height, width, channels)` of the map whose pixels a dense layer
            reads. PyTorch lays it out by channel, Keras by pixel.

    Example:

    >>> from_torch(np.zeros((64, 3, 7, 7)), (7, 7, 3, 64)).shape
    (7, 7, 3, 64)
    """
    if array.ndim == 4:
        return _kernel(array.transpose(2, 3, 1, 0), expected)
    if array.ndim == 2 and flattened and array.shape[1] == np.prod(flattened):
        height, width, channels = flattened
        by_channel = array.reshape(-1, channels, height, width)
        array = by_channel.transpose(0, 2, 3, 1).reshape(len(array), -1)
    return array.T if array.ndim == 2 else array


def _kernel(kernel: np.ndarray, expected: tuple[int, ...]) -> np.ndarray:
    """Fits a kernel in Keras' order to a depthwise or a dense layer, if it is one's."""
    height, width, inputs, outputs = kernel.shape
    if len(expected) == 2:  # a convolution over all of its map is a dense layer
        return kernel.reshape(-1, outputs)
    depthwise = expected[:2] == (height, width) and expected[2:3] != (inputs,)
    if inputs == 1 and depthwise and outputs == np.prod(expected[2:]):
        return kernel.reshape(expected)
    return kernel


def adapt_stem(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Returns a first convolution's kernel for images of another number of channels.

    For one channel the kernel is summed over its inputs: where they were normalised
    alike, a grey image gives what it gives as RGB. For more, the inputs are repeated
    in turn and scaled by `inputs / channels`, so that the sum over them keeps its size.

    Args:
        kernel: `(height, width, inputs, outputs)`.
        channels: At least 1.

    Example:

    >>> adapt_stem(np.ones((3, 3, 3, 8)), 1)[0, 0, :, 0].tolist()
    [3.0]
    >>> adapt_stem(np.ones((3, 3, 3, 8)), 6)[0, 0, :, 0].tolist()
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    """
    inputs = kernel.shape[2]
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)
    return kernel[:, :, np.arange(channels) % inputs] * (inputs / channels)
