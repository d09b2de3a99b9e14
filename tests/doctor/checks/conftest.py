"""Photo-like pictures for all checks."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def pictures():
    """Returns a function that draws photo-like RGB pixels `(n, 32, 32, 3)`, 0..255.

    Smooth in space, correlated in colour, red rather than blue; a stripe pattern tells
    the class.
    """

    def draw(count, classes=4, seed=0, side=32):
        rng = np.random.default_rng(seed)
        frequency = np.hypot(
            np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
        )
        amplitude = 1 / np.maximum(frequency, 1 / side)
        amplitude[0, 0] = 0
        phases = np.exp(2j * np.pi * rng.random((count, 3, *amplitude.shape)))
        fields = np.fft.irfft2(amplitude * phases, s=(side, side))
        fields /= fields.std(axis=(2, 3), keepdims=True)
        mix = np.array([[45, 18, 8], [45, 0, -14], [45, -18, 8]])
        x = np.einsum("rc,ncij->nijr", mix, fields) + np.array((124, 117, 104))
        x += rng.normal(0, 22, (count, 1, 1, 1)) + rng.normal(0, 8, (count, 1, 1, 3))
        y = np.arange(count) % classes
        rng.shuffle(y)
        along = np.mgrid[0:side, 0:side] * 2 * np.pi / side
        angles = np.pi * y / classes
        wave = np.cos(angles)[:, None, None] * along[0] * 2
        wave = np.sin(wave + np.sin(angles)[:, None, None] * along[1] * 2)
        x += 25 * wave[..., None]
        return np.clip(np.rint(x), 0, 255).astype("float32"), y

    return draw
