"""Text that must fit: measured as it will be drawn, wrapped, then shortened."""

from collections.abc import Callable

Measure = Callable[[str], float]
"""Width of a line of text, in any unit."""

ELLIPSIS = "…"


def shorten(text: str, width: float, measure: Measure) -> str:
    """Returns `text`, its middle left out when it is wider than `width`.

    The end is kept too: file names and scientific names differ there.

    Example:

    >>> shorten("Red_winged_Blackbird_0042.jpg", 15, len)
    'Red_win…042.jpg'
    """
    if measure(text) <= width:
        return text
    low, high = 0, len(text)  # characters kept; `low` fits, or nothing does
    while high - low > 1:
        middle = (low + high) // 2
        if measure(_keep(text, middle)) <= width:
            low = middle
        else:
            high = middle
    return _keep(text, low)


def wrap(text: str, width: float, measure: Measure, *, lines: int = 2) -> str:
    """Returns `text` broken at spaces and underscores into at most `lines` lines.

    What does not fit is shortened in the last line. Line breaks of the text
    itself stay, and each of its lines is wrapped by itself.

    Example:

    >>> print(wrap("Black footed Albatross", 14, len))
    Black footed
    Albatross
    """
    return "\n".join(
        _wrap_line(line, width, measure, lines) for line in text.split("\n")
    )


def _wrap_line(text: str, width: float, measure: Measure, lines: int) -> str:
    done: list[str] = []
    rest = text
    while len(done) < lines - 1 and measure(rest) > width:
        cut = _last_break(rest, width, measure)
        if cut == 0:
            break
        done.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return "\n".join([*done, shorten(rest, width, measure)])


def _last_break(text: str, width: float, measure: Measure) -> int:
    """Returns where the longest head that fits ends, 0 if none does."""
    breaks = [i for i in range(1, len(text)) if _may_break(text, i)]
    fitting = [i for i in breaks if measure(text[:i].rstrip()) <= width]
    return max(fitting, default=0)


def _may_break(text: str, i: int) -> bool:
    before = text[i - 1]
    return before in " _-" or before >= "\u3000" or text[i] >= "\u3000"


def _keep(text: str, count: int) -> str:
    tail = count // 2
    return text[: count - tail] + ELLIPSIS + text[len(text) - tail :]
