"""RD105: an augmentation changes nothing that matters."""

from collections.abc import Iterator, Sequence

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.doctor.probe.pixels import recover
from residency.records import Finding

NEGLIGIBLE = 0.01
"""Change relative to the data's deviation: about half a level of 8-bit pixels."""
SHARE = 0.15
"""Of the samples whose change is there but negligible: those that a flip left alone."""
_IMAGES = 48


def run(probe: Probe) -> Sequence[Finding] | None:
    """Looks at noise of layers, and at what differs between two reads of the data."""
    noise, found = list(_noise(probe)), _read(probe)
    return noise or None if found is None else [*noise, *found]


def _read(probe: Probe) -> Sequence[Finding] | None:
    redraw = probe.train.redraw
    if redraw is None:
        return None
    if not redraw.random or redraw.first is None or redraw.second is None:
        return []
    first, second = (x.astype("float32") for x in (redraw.first, redraw.second))
    axes = tuple(range(1, first.ndim))
    change = np.sqrt(np.mean(np.square(first - second), axis=axes))
    change /= float(first.std()) or 1.0
    tiny = (change > 1e-6) & (change < NEGLIGIBLE)
    if tiny.mean() >= SHARE and tiny.sum() >= 3:
        size, share = float(np.median(change[tiny])), float(tiny.mean())
        return [_change(size, share, f"{100 * size:.2g} % of the data's deviation")]
    levels = _offsets(first) if first.ndim == 4 else None
    if levels is not None:
        size = levels / (255 * 0.25)  # pictures have a deviation of about a quarter
        return [_change(size, 1.0, f"{levels:.2g} of 255 levels of brightness")]
    return []


def _noise(probe: Probe) -> Iterator[Finding]:
    """Yields a finding for each layer that adds hardly any noise to the inputs."""
    if probe.forward is None:
        return
    for node in probe.graph.entrances:
        takes = probe.forward.outputs.get(node.name)
        if node.kind != "GaussianNoise" or not takes or not takes.std:
            continue
        size = float(node.layer.stddev) / takes.std
        if 0 < size < NEGLIGIBLE:
            yield _finding(
                size,
                1.0,
                f"The noise of {node.name} amounts to {100 * size:.2g} % of the "
                "deviation of what it is added to: nothing.",
                _felt(0.1 * takes.std),
            )


def _felt(deviation: float) -> str:
    """Returns what adds noise of a deviation; Keras takes 1 at most."""
    if deviation <= 1:
        return f"keras.layers.GaussianNoise({deviation:.2g})"
    return "keras.layers.Rescaling(1 / 255)\nkeras.layers.GaussianNoise(0.05)"


def _offsets(images: np.ndarray) -> float | None:
    """Returns the deviation of an offset under half a level, by picture.

    Crops and flips hide it from a comparison pixel by pixel, but pixels keep their
    steps, and each picture lies on steps of its own remainder. `None`: no such thing.
    """
    found = [recover(image[..., :1]) for image in images[:_IMAGES]]
    known = [each for each in found if each is not None]
    if len(known) < 12 or len(known) < 0.5 * len(found):
        return None
    stds = np.array([each.std for each in known])
    if stds.max() > 1.01 * stds.min():
        return None
    phases = np.exp(2j * np.pi * np.array([each.mean for each in known]))
    length = float(np.abs(phases.mean()))
    spread = np.sqrt(-2 * np.log(max(length, 1e-9))) / (2 * np.pi)
    return float(spread) if length > 0.4 and spread > 0.03 else None


def _change(size: float, share: float, words: str) -> Finding:
    return _finding(
        size,
        share,
        f"A random change of the training data amounts to {words}: nothing.",
        "keras.layers.RandomBrightness(0.2, value_range=(0, 255))",
    )


def _finding(size: float, share: float, title: str, snippet: str) -> Finding:
    return Finding(
        code="RD105",
        label="augmentation_ineffective",
        severity="warning",
        title=title,
        evidence={"relative_change": size, "share_of_samples": share},
        why=(
            "Its amplitude was meant for another scale, as a brightness of 0.3 on "
            "pixels of 0..255: the network never notices it."
        ),
        cure="give the amplitude on the scale of the data",
        snippet=snippet,
        effect="the augmentation begins to act",
        confidence=0.9,
    )


CHECK = Check("random changes of training data are large enough to matter", run)
