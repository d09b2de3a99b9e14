# pyright: reportUnknownMemberType=false
# (matplotlib's annotations stop at **kwargs and paths)
"""Fonts that have the glyphs: class names in any script, found without settings.

Matplotlib draws with DejaVu Sans, which has Latin, Greek and Cyrillic but no
Chinese, Japanese or Korean. `typeface_for` looks at the characters to be drawn
and adds installed fonts that really have them (their character map is read,
their name is only a preference).
"""

import functools
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from matplotlib import font_manager

log = logging.getLogger(__name__)

BASE_FAMILY = "DejaVu Sans"  # comes with matplotlib, so it is always there

PREFERRED = (
    "Noto Sans CJK",
    "Noto Sans",
    "Source Han Sans",
    "WenQuanYi",
    "SimHei",
    "PingFang",
    "Hiragino",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
)
"""Starts of family names, best first; any other font that covers comes after."""


@dataclass(frozen=True, slots=True)
class Face:
    """One installed font file."""

    family: str
    path: str


@dataclass(frozen=True, slots=True)
class Typeface:
    """The families to draw with, and the characters that none of them has."""

    families: tuple[str, ...]
    missing: frozenset[str] = frozenset()

    def drawable(self, text: str) -> str:
        r"""Returns `text` with each character that cannot be drawn escaped.

        Two names that differ still differ, which boxes would not give.

        Example:

        >>> Typeface(("DejaVu Sans",), frozenset("鹭")).drawable("heron 鹭")
        'heron \\u9e6d'
        """
        return "".join(
            _escape(c) if c in self.missing or _is_control(c) else c for c in text
        )


def typeface_for(texts: Iterable[str]) -> Typeface:
    """Returns the families that together draw every character of `texts`.

    Characters that no installed font has are logged once as a warning.

    Args:
        texts: Everything a figure will say.

    Returns:
        The typeface; its first family is always `BASE_FAMILY`.

    Example:

    >>> typeface_for(["Cockatoo", "Möwe"]).families
    ('DejaVu Sans',)
    """
    wanted = frozenset(
        c for text in texts for c in text if c != "\n" and not _is_control(c)
    )
    return _typeface(wanted)


@functools.lru_cache(maxsize=64)
def _typeface(wanted: frozenset[str]) -> Typeface:
    base = font_manager.findfont(BASE_FAMILY)
    families, missing = [BASE_FAMILY], wanted - _characters(base, wanted)
    for faces in (installed_faces, newly_installed_faces):
        for face in faces() if missing else ():
            found = _characters(face.path, missing)
            if found and face.family not in families:
                families.append(face.family)
                missing = missing - found
            if not missing:
                break
    if missing:
        _warn(missing)
    return Typeface(tuple(families), missing)


def installed_faces() -> Sequence[Face]:
    """Returns the upright fonts of normal weight, preferred families first."""
    faces = {
        Face(entry.name, entry.fname)
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal"
        and _is_normal(entry.weight)
        and not entry.name.startswith("Last Resort")  # a box for every character
    }
    return sorted(faces, key=lambda face: (_rank(face.family), face.family, face.path))


def newly_installed_faces() -> Sequence[Face]:
    """Returns fonts installed since matplotlib last listed them, and lists them."""
    manager = font_manager.fontManager
    known = {entry.fname for entry in manager.ttflist}
    for path in font_manager.findSystemFonts():
        if path not in known and Path(path).suffix.lower() != ".afm":
            try:
                manager.addfont(path)
            except (OSError, RuntimeError, ValueError):
                log.debug("cannot read the font %s", path)
    return [face for face in installed_faces() if face.path not in known]


def _characters(path: str, wanted: frozenset[str]) -> frozenset[str]:
    """Returns those of `wanted` for which the font at `path` has a glyph."""
    try:
        charmap = cast("dict[int, int]", font_manager.get_font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()
    return frozenset(c for c in wanted if ord(c) in charmap)


def _is_normal(weight: int | str) -> bool:
    """Neither thin nor bold; some fonts call their only weight 500."""
    if isinstance(weight, str):
        return weight in ("normal", "regular", "book", "medium", "roman")
    return 300 < weight < 600


def _rank(family: str) -> int:
    starts = [n for n, name in enumerate(PREFERRED) if family.startswith(name)]
    return min(starts, default=len(PREFERRED))


def _is_control(character: str) -> bool:
    """Not printable and no line break: tabs, bidirectional marks, surrogates."""
    return not character.isprintable() and character not in "\n\u00a0\u3000"


def _escape(character: str) -> str:
    if character < "\x80":
        return f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode("ascii")


def _warn(missing: frozenset[str]) -> None:
    sample = "".join(sorted(missing)[:8])
    log.warning(
        "No installed font has %d of the characters to be drawn (such as %r); they "
        "are written as codes. Install one that has them, for Chinese, Japanese and "
        "Korean for example fonts-noto-cjk or fonts-wqy-zenhei.",
        len(missing),
        sample,
    )
