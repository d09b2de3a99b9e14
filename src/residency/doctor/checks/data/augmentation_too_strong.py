"""RD104: augmentation destroys what decides the label."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe, Sample
from residency.doctor.probe.appearance import appearance, turned_hues
from residency.records import Finding

FILL, MOST_FILL = 0.3, 0.6
"""Share of a picture that is smeared border or fill: more than clean pictures have;
and, where no clean ones are known, in itself."""
OUTSIDE = 0.1
"""Share of values that no clean picture has."""
FADED = 0.25
"""Contrast relative to clean pictures."""
RUINED, RUINED_FILL = 0.6, 0.45
"""Share of ruined pictures from which a recipe costs more than it brings. Crops to
a third of the area, RandAugment of its usual strength and erasing stay below."""
TURNED = 0.12
"""Of two reads, so many colours on opposite sides of the circle."""
ONE_SIDED, MOVED, FACTOR = 0.1, 0.1, 0.7
"""Share of training pictures beyond the median clean one, on the scale 0..1; and the
least change of brightness that matters, as a difference and as a factor."""


class _Fault(NamedTuple):
    what: str
    evidence: dict[str, float]
    cure: str
    snippet: str


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares training pictures with validation pictures, read by read."""
    redraw = probe.train.redraw
    if redraw is None or probe.train.images is None:
        return None
    if not redraw.random:
        return []
    train = probe.train.images
    clean = _clean(probe.validation)
    faults = [] if clean is None else _against(train, clean)
    if clean is None:
        faults = _alone(train)
    faults += _hues(redraw.first, redraw.second)
    return [_finding(fault, clean is not None) for fault in faults[:1]]


def _clean(held_out: Sample | None) -> np.ndarray | None:
    if held_out is None or held_out.images is None or len(held_out.images) < 16:
        return None
    redraw = held_out.redraw
    return None if redraw is not None and redraw.random else held_out.images


def _against(train: np.ndarray, clean: np.ndarray) -> list[_Fault]:
    low, high = float(clean.min()), float(clean.max())
    ours, theirs = appearance(train, low, high), appearance(clean, low, high)
    fill = ours["flat"] > np.quantile(theirs["flat"], 0.95) + FILL
    outside = ours["outside"] > theirs["outside"].max() + OUTSIDE
    faded = ours["contrast"] < FADED * np.quantile(theirs["contrast"], 0.25)
    shares = {
        "filled": float(fill.mean()),
        "outside_range": float(outside.mean()),
        "faded": float(faded.mean()),
        "ruined": float((fill | outside | faded).mean()),
    }
    if shares["filled"] >= RUINED_FILL:
        return [_filled(shares)]
    if shares["ruined"] >= RUINED:
        worst = max(("filled", "outside_range", "faded"), key=lambda k: shares[k])
        words = {
            "filled": "mostly fill",
            "outside_range": "partly outside the range of clean ones",
            "faded": "nearly without contrast",
        }[worst]
        return [
            _Fault(
                f"{100 * shares['ruined']:.0f} % of the training pictures are {words}",
                shares,
                "narrow the range of brightness, contrast or noise",
                "keras.layers.RandomBrightness(0.2, value_range=(0, 255))",
            )
        ]
    return _one_sided(ours["brightness"], theirs["brightness"])


def _filled(shares: dict[str, float]) -> _Fault:
    return _Fault(
        f"{100 * shares['filled']:.0f} % of the training pictures are mostly smeared "
        "border or fill",
        shares,
        "narrow zoom, shift, rotation or shear",
        "ImageDataGenerator(zoom_range=0.2, rotation_range=15, shear_range=5)",
    )


def _one_sided(ours: np.ndarray, theirs: np.ndarray) -> list[_Fault]:
    above = float((ours > np.median(theirs)).mean())
    moved = float(ours.mean() - theirs.mean())
    factor = float(ours.mean() / max(theirs.mean(), 1e-6))
    far = abs(moved) > MOVED and not FACTOR < factor < 1 / FACTOR
    if not far or ONE_SIDED < above < 1 - ONE_SIDED:
        return []
    way = "darker" if moved < 0 else "brighter"
    return [
        _Fault(
            f"training pictures are {way} than nearly all validation pictures (mean "
            f"{factor:.2f} of theirs)",
            {"brightness_factor": factor, "above_median": above},
            "let the range of brightness contain 1",
            "ImageDataGenerator(brightness_range=(0.8, 1.2))",
        )
    ]


def _alone(train: np.ndarray) -> list[_Fault]:
    """Without clean pictures: most of most pictures is fill."""
    low, high = float(train.min()), float(train.max())
    found = appearance(train, low, high)
    colour = float(np.mean(found.get("saturation", np.zeros(1))))
    share = float((found["flat"] > MOST_FILL).mean())
    if share < RUINED or colour < 0.02:
        return []
    return [_filled({"filled": share})]


def _hues(first: np.ndarray | None, second: np.ndarray | None) -> list[_Fault]:
    if first is None or second is None or first.ndim != 4 or first.shape[-1] != 3:
        return []
    share = turned_hues(first, second)
    if share < TURNED:
        return []
    return [
        _Fault(
            f"between two reads the colour of {100 * share:.0f} % of pictures turns "
            "to the other side of the circle",
            {"turned": share},
            "keep changes of hue under a tenth of the circle",
            "keras.layers.RandomHue(0.1, value_range=(0, 255))",
        )
    ]


def _finding(fault: _Fault, compared: bool) -> Finding:
    return Finding(
        code="RD104",
        label="augmentation_too_strong",
        severity="warning",
        title=f"Augmentation is too strong: {fault.what}.",
        evidence=fault.evidence,
        why=(
            "The network spends itself on pictures that no test picture resembles, "
            "and what decides the label is gone from many."
        ),
        cure=fault.cure,
        snippet=fault.snippet,
        effect="training accuracy rises, and validation with it",
        confidence=0.85 if compared else 0.6,
    )


CHECK = Check("training pictures still look like validation pictures", run)
