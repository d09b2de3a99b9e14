"""RD603: augmentation ranges that destroy the image."""

import ast
import math
from collections.abc import Iterator

from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import number, numbers
from residency.records import Finding

Fault = tuple[str, str, str, str]
"""Severity, what is wrong, evidence in words, what to write instead."""


def check(script: Script) -> Iterator[Finding]:
    """Yields extreme ranges of ImageDataGenerator and of the `Random...` layers."""
    for call in script.calls:
        tests = (
            GENERATOR if call.last == "ImageDataGenerator" else LAYERS.get(call.keras)
        )
        for name, test in (tests or {}).items():
            given = call.argument(name, 0 if tests is not GENERATOR else None)
            fault = test(script, given) if given is not None else None
            if fault is not None and given is not None:
                yield _finding(script, call, name, given, fault)


def _zoom(script: Script, given: ast.expr) -> Fault | None:
    factors = _pair(script, given, around_one=True)
    if factors is None:
        return None
    low, high = factors
    said = f"zooms by factors from {low:g} to {high:g}"
    if low <= 0:
        return (
            "error",
            f"{said}: at 0 and below nothing is left of the image",
            said,
            "0.2",
        )
    if not low <= 1 <= high:
        return "warning", f"{said}: never the image as it is", said, "0.2"
    return ("warning", f"{said}", said, "0.2") if low < 0.3 or high > 3 else None


def _shear(script: Script, given: ast.expr) -> Fault | None:
    degrees = number(script, given)
    if degrees is None or abs(degrees) < 40:
        return None
    slope = math.tan(math.radians(min(abs(degrees), 89)))
    said = f"shears by up to {degrees:g} degrees"
    return (
        "warning",
        f"{said}: the sides move by {slope:.1f} times the height",
        said,
        "10",
    )


def _brightness(script: Script, given: ast.expr) -> Fault | None:
    factors = _pair(script, given, around_one=False)
    if factors is None or factors[0] <= 1 <= factors[1]:
        return None
    said = f"multiplies brightness by {factors[0]:g} to {factors[1]:g}"
    return "warning", f"{said}: never 1, the image as it is", said, "(0.8, 1.2)"


def _shift(script: Script, given: ast.expr) -> Fault | None:
    share = number(script, given)
    if share is None or not 0.5 < share < 1:
        return None
    said = f"moves the image by up to {100 * share:.0f} %"
    return "warning", f"{said}: more than half of it leaves the frame", said, "0.1"


def _turn(script: Script, given: ast.expr) -> Fault | None:
    """Keras' RandomRotation counts full turns, not degrees."""
    turns = number(script, given)
    if turns is None or turns <= 1:
        return None
    said = f"turns by up to {turns:g} full circles, not degrees"
    return "warning", said, said, f"{turns:g} / 360"


def _zoom_layer(script: Script, given: ast.expr) -> Fault | None:
    share = number(script, given)
    if share is None or abs(share) < 1:
        return None
    said = f"zooms by up to {100 * share:.0f} %"
    return "error", f"{said}: nothing is left of the image", said, "0.2"


def _pair(
    script: Script, given: ast.expr, *, around_one: bool
) -> tuple[float, float] | None:
    pair = numbers(script, given)
    if pair is not None and len(pair) == 2:
        return min(pair), max(pair)
    single = number(script, given) if around_one else None
    return None if single is None else (1 - single, 1 + single)


GENERATOR = {
    "zoom_range": _zoom,
    "shear_range": _shear,
    "brightness_range": _brightness,
    "width_shift_range": _shift,
    "height_shift_range": _shift,
}
LAYERS = {
    "RandomRotation": {"factor": _turn},
    "RandomZoom": {"height_factor": _zoom_layer},
    "RandomTranslation": {"height_factor": _shift},
}


def _finding(
    script: Script, call: Call, name: str, given: ast.expr, fault: Fault
) -> Finding:
    severity, title, said, instead = fault
    return Finding(
        code="RD603",
        label="augmentation_too_strong",
        severity=severity,
        title=f"`{name}={script.text(given)}` {title}.",
        evidence={"argument": name, "given": script.text(given), "does": said},
        why="The network trains on images unlike any it will be tested on, or on "
        "images in which the class cannot be seen.",
        cure=f"Narrow `{name}`.",
        snippet=f"{name}={instead}",
        effect="Training images look like test images again; accuracy rises on both.",
        source=script.place(given),
    )
