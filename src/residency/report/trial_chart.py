"""Two short trainings as a small drawing: without a cure and with it."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 360, 132
LEFT, RIGHT, TOP, BOTTOM = 30, 92, 10, 22
"""Margins; the right one holds the names of the lines."""
APART = 13.0
"""Least distance of the two names, from base line to base line."""


def trial_chart(
    untreated: Sequence[float], treated: Sequence[float], steps: int
) -> Markup:
    """Returns an SVG whose colours are those of the page, light or dark.

    Args:
        untreated: Errors at equal distances, the first before any step; a guess has 1.
            Empty: there is no such line.
        treated: The same with the cure.
        steps: At the right end.
    """
    top = max(1.0, *untreated, *treated)
    lines = [("without", "untreated", untreated), ("with it", "treated", treated)]
    shown = [each for each in lines if each[2]]
    ends = _apart([_y(values[-1], top) for _, _, values in shown])
    drawn = [
        Markup('<polyline class="{}" points="{}"/>').format(kind, _points(values, top))
        + Markup('<text class="{}" x="{}" y="{:.1f}">{}</text>').format(
            kind, WIDTH - RIGHT + 7, end + 4, name
        )
        for (name, kind, values), end in zip(shown, ends, strict=True)
    ]
    return (
        Markup(
            '<svg class="trial" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        ).format(WIDTH, HEIGHT, "held-out error without the cure and with it")
        + _axes(top, steps)
        + Markup("").join(drawn)
        + Markup("</svg>")
    )


def _axes(top: float, steps: int) -> Markup:
    """Returns the base line, a line at what a guess has, and their words."""
    right, base = WIDTH - RIGHT, HEIGHT - BOTTOM
    rule = Markup('<line class="{}" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>')
    word = Markup('<text x="{}" y="{:.1f}" text-anchor="{}">{}</text>')
    guess = _y(1.0, top)
    return (
        rule.format("base", LEFT, right, y=base)
        + rule.format("guess", LEFT, right, y=guess)
        + word.format(LEFT - 6, base + 4, "end", "0")
        + word.format(LEFT - 6, guess + 4, "end", "1")
        + word.format(LEFT, base + 15, "start", "step 0")
        + word.format(right, base + 15, "end", steps)
    )


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _points(values: Sequence[float], top: float) -> str:
    width = (WIDTH - LEFT - RIGHT) / max(1, len(values) - 1)
    return " ".join(
        f"{LEFT + n * width:.1f},{_y(v, top):.1f}" for n, v in enumerate(values)
    )


def _apart(heights: list[float]) -> list[float]:
    """Moves two heights away from each other where names would overlap.

    >>> _apart([50.0, 52.0])
    [44.5, 57.5]
    """
    if len(heights) < 2 or abs(heights[0] - heights[1]) >= APART:
        return heights
    middle = sum(heights) / 2
    sign = -1 if heights[0] <= heights[1] else 1
    return [middle + sign * APART / 2, middle - sign * APART / 2]
