"""RD605: colour changes that never leave the image as it is, or turn it round."""

from collections.abc import Iterator

from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import number
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields extreme saturation, contrast and hue of `tf.image`."""
    for call in script.calls:
        if call.name.startswith("tensorflow.image."):
            kind = call.last.removeprefix("stateless_").removeprefix("random_")
            if kind in ("saturation", "contrast"):
                yield from _factors(script, call, kind)
            elif kind == "hue" and "random" in call.last:
                yield from _hue(script, call)


def _factors(script: Script, call: Call, kind: str) -> Iterator[Finding]:
    low = number(script, call.argument("lower", 1))
    high = number(script, call.argument("upper", 2))
    if low is None or high is None or low <= 1 <= high:
        return
    said = f"multiplies {kind} by {low:g} to {high:g}"
    title = f"`{call.last}` {said}, never by 1."
    yield _finding(script, call, title, said, f"{low / high:.2g}, {high / low:.2g}")


def _hue(script: Script, call: Call) -> Iterator[Finding]:
    delta = number(script, call.argument("max_delta", 1))
    if delta is not None and delta >= 0.4:
        said = f"turns hue by up to {360 * delta:.0f} degrees either way"
        title = f"`{call.last}` {said}: any colour becomes any other."
        yield _finding(script, call, title, said, "0.05")


def _finding(
    script: Script, call: Call, title: str, said: str, instead: str
) -> Finding:
    return Finding(
        code="RD605",
        label="augmentation_too_strong",
        severity="warning",
        title=title,
        evidence={"call": script.text(call.node), "does": said},
        why="Test images have their own colours. A network that has seen none of them "
        "unchanged meets something new at test time.",
        cure="Draw from a narrow range around the unchanged image, and clip after it.",
        snippet=f"image = tf.image.{call.last}(image, {instead})\n"
        "image = tf.clip_by_value(image, 0.0, 1.0)  # 255.0 for images in 0..255",
        effect="Training images look like test images again.",
        source=script.place(call.node),
    )
