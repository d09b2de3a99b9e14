"""Compares what arrives at a pretrained network with what it was trained on."""

from typing import Any, NamedTuple

import numpy as np

from residency.doctor.checks.transfer.backbone import Backbone, find_backbone
from residency.doctor.probe import Probe, Witness
from residency.doctor.probe.pixels import (
    CONTRACTS,
    Affine,
    Contract,
    contract_by_range,
    recover_channels,
)

SAME_STD, LIKE_STD = 0.1, 0.3
"""Relative differences of deviations: the same constant; one of another data set."""
SAME_MEAN, TYPED, LIKE_MEAN = 3.0, 0.3, 15.0
"""Differences of means in 8-bit levels: without effect; the same typed number; the mean
of another set of photos."""
WARM, CERTAIN = 10.0, 4.0
"""Photos are red rather than blue by about 20 levels: least difference of the means,
and its size in standard errors over pictures."""
FITS_SHIFT, FITS_SPREAD = 0.15, 0.3
"""Moving statistics so near to those of the batch were measured on such inputs."""
PHOTO_STD = 64.0  # of ImageNet's pixels, all channels together


class Arrival(NamedTuple):
    """What is wrong at the entrance of a backbone."""

    kind: str
    """`"fine"`, `"mismatch"`, `"order"` or `"constants"`."""
    backbone: Backbone
    words: str = ""
    evidence: dict[str, Any] = {}  # noqa: RUF012 - never changed
    severity: str = "warning"
    confidence: float = 0.9


def judge_arrival(probe: Probe) -> Arrival | None:
    """Returns what arrives at the first pretrained network that is known.

    `None`: there is none, or what arrives cannot be told.
    """
    backbone = find_backbone(probe)
    if backbone is None or probe.forward is None:
        return None
    values = probe.forward.entrances.get(backbone.entrance.name)
    if values is None or values.ndim != 4:
        return None
    if values.shape[-1] != 3 and values.shape[1] == 3:
        values = np.moveaxis(values, 1, -1)
    if values.shape[-1] != 3 or not np.isfinite(values).all():
        return None
    expected = CONTRACTS[backbone.contract]
    exact = recover_channels(values)
    if exact is None:
        found = _by_range(backbone, values)
    else:
        found = _by_constants(backbone, expected, exact)
    if found is not None and found.kind == "mismatch" and _fits(probe.witness):
        return Arrival("fine", backbone)  # trained anew, on such inputs
    if found is not None and found.kind == "fine":
        return _by_colour(probe, backbone, expected, values) or found
    return found


def _fits(witness: Witness | None) -> bool:
    if witness is None:
        return False
    fit = witness.as_given
    return fit.shift < FITS_SHIFT and fit.spread < FITS_SPREAD


def _prefers_as_given(witness: Witness | None) -> bool:
    """Whether statistics fit the order of channels as it is rather than reversed."""
    if witness is None or witness.given is None or not witness.by_contract:
        return False
    turned = witness.by_contract[f"{witness.given} bgr"]
    return witness.by_contract[witness.given].badness <= turned.badness


def _by_constants(
    backbone: Backbone, expected: Contract, exact: tuple[Affine, ...]
) -> Arrival:
    means = [a.mean_near(m) for a, m in zip(exact, expected.mean, strict=True)]
    stds = [a.std for a in exact]
    off = np.subtract(means, expected.mean)
    ratio = np.divide(stds, expected.std)
    evidence = {
        "mean": [round(m, 3) for m in means],
        "std": [round(s, 3) for s in stds],
        "expected_mean": list(expected.mean),
        "expected_std": list(expected.std),
    }
    scaled = np.abs(np.log(ratio)).max()
    if scaled < np.log(1 + SAME_STD):
        if np.abs(off).max() < SAME_MEAN:
            return Arrival("fine", backbone)
        return _by_means(backbone, expected, exact, off, evidence)
    if (
        np.abs(off).max() < SAME_MEAN
        and scaled < np.log(6)
        and len(set(expected.mean)) > 1
    ):
        words = _std_words(stds, expected)
        mild = scaled < np.log(1 + LIKE_STD)
        return Arrival(
            "constants", backbone, words, evidence, "advice" if mild else "warning"
        )
    words = f"(pixel - {_numbers(means)}) / {_numbers(stds)}"
    return _mismatch(backbone, words, evidence, scaled, np.abs(off).max())


def _by_means(
    backbone: Backbone,
    expected: Contract,
    exact: tuple[Affine, ...],
    off: np.ndarray,
    evidence: dict[str, Any],
) -> Arrival:
    turned = expected.mean[::-1]
    swapped = [a.mean_near(m) - m for a, m in zip(exact, turned, strict=True)]
    if np.abs(swapped).max() < 1.0 and abs(expected.mean[0] - expected.mean[2]) > 5:
        words = f"the means {_numbers(turned)} are subtracted in this order, expected "
        words += _numbers(expected.mean)
        return Arrival("order", backbone, words, evidence, "warning", 0.95)
    wrong = np.abs(off) >= SAME_MEAN
    means = evidence["mean"]
    if (
        wrong.sum() < 3
        and (np.abs(off[~wrong]) < TYPED).all()
        and np.abs(off).max() < 80
    ):
        words = ", ".join(
            f"{means[c]:g} for {expected.mean[c]:g}" for c in np.flatnonzero(wrong)
        )
        return Arrival("constants", backbone, f"mean {words}", evidence)
    if np.abs(off).max() < LIKE_MEAN:
        words = f"means {_numbers(means)} for {_numbers(expected.mean)}"
        return Arrival("constants", backbone, words, evidence, "advice", 0.7)
    words = f"pixel - {_numbers(means)}"
    return _mismatch(backbone, words, evidence, 0.0, np.abs(off).max())


def _std_words(stds: list[float], expected: Contract) -> str:
    root = np.sqrt(np.divide(expected.std, 255)) * 255
    words = f"deviations {_numbers(stds)} for {_numbers(expected.std)}"
    if np.abs(np.divide(stds, root) - 1).max() < 0.03:
        words += " (their roots: a deviation was given where a variance is taken)"
    return words


def _by_range(backbone: Backbone, values: np.ndarray) -> Arrival | None:
    name = contract_by_range(values)
    expected = CONTRACTS[backbone.contract]
    evidence = {
        "min": [float(v) for v in values.min(axis=(0, 1, 2))],
        "max": [float(v) for v in values.max(axis=(0, 1, 2))],
        "std": float(values.std()),
    }
    if name == backbone.contract:
        return Arrival("fine", backbone)
    usual = PHOTO_STD / float(np.mean(expected.std))
    scaled = abs(float(np.log(max(values.std(), 1e-12) / usual)))
    if scaled > np.log(5) or (
        name is not None and {name, backbone.contract} == {"raw", "caffe"}
    ):
        words = f"values of {values.min():.4g}..{values.max():.4g}"
        return _mismatch(backbone, words, evidence, scaled, 100.0)
    if name in ("unit", "tf", "torch") and backbone.contract in ("tf", "torch"):
        if name == "unit":
            return _mismatch(backbone, "values of 0..1", evidence, scaled, 30.0)
        return None  # these two overlap: without steps they cannot be told apart
    return None


def _by_colour(
    probe: Probe, backbone: Backbone, expected: Contract, values: np.ndarray
) -> Arrival | None:
    """Red and blue exchanged in the pixels: seen from photos being warm on average."""
    given = probe.train.images
    same = given is not None and given.shape[1:] == values.shape[1:]
    if (
        same
        and given is not None
        and np.allclose(given[: len(values)], values, atol=1e-4)
    ):
        values = given[:512]
    first = values[..., 0].mean(axis=(1, 2)) * expected.std[0] + expected.mean[0]
    last = values[..., 2].mean(axis=(1, 2)) * expected.std[2] + expected.mean[2]
    warm = (last - first) if expected.blue_first else (first - last)
    size = float(warm.mean())
    error = float(warm.std()) / np.sqrt(len(warm))
    if len(warm) < 12 or size > -WARM or -size < CERTAIN * error:
        return None
    if _prefers_as_given(probe.witness):
        return None
    order = "blue first" if expected.blue_first else "red first"
    words = (
        f"the channel that should be red is {-size:.0f} levels darker than the blue one"
    )
    evidence = {"red_minus_blue": size, "standard_error": error, "pictures": len(warm)}
    return Arrival(
        "order", backbone, f"{words}; expected {order}", evidence, "warning", 0.7
    )


def _mismatch(
    backbone: Backbone, words: str, evidence: dict[str, Any], scaled: float, off: float
) -> Arrival:
    grave = scaled > np.log(3) or off > 60
    return Arrival(
        "mismatch", backbone, words, evidence, "error" if grave else "warning", 0.95
    )


def _numbers(values: Any) -> str:
    return "(" + ", ".join(f"{v:.6g}" for v in values) + ")"
