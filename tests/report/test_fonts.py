"""Glyphs are looked for in the fonts that are there; their absence is told once."""

import logging

import pytest

from residency.report import fonts, image_grid
from residency.report.fonts import BASE_FAMILY, Face, typeface_for


@pytest.fixture
def installed(monkeypatch):
    """Returns a function that says which fonts have which characters."""

    def install(**characters):
        faces = [Face(name, f"/fonts/{name}.ttf") for name in characters]
        real = fonts._characters
        monkeypatch.setattr(fonts, "installed_faces", lambda: faces)
        monkeypatch.setattr(fonts, "newly_installed_faces", list)
        monkeypatch.setattr(
            fonts,
            "_characters",
            lambda path, wanted: (
                frozenset(characters[path[7:-4]]) & wanted
                if path.startswith("/fonts/")
                else real(path, wanted)
            ),
        )
        fonts._typeface.cache_clear()

    yield install
    fonts._typeface.cache_clear()


def test_latin_needs_no_other_font(installed):
    installed(Wide="abc灰")
    assert typeface_for(["Möwe", "\u22121 °C", "naïve\n"]).families == (BASE_FAMILY,)


def test_only_fonts_that_have_a_missing_glyph_are_added(installed):
    installed(Empty="", Han="灰鹭", Second="灰鹭", Thai="นก")
    typeface = typeface_for(["灰鹭", "นก"])
    assert typeface.families == (BASE_FAMILY, "Han", "Thai")
    assert not typeface.missing


def test_missing_glyphs_are_codes_and_told_once(installed, caplog):
    installed(Han="灰")
    with caplog.at_level(logging.WARNING):
        typeface = typeface_for(["灰鹭"])
        typeface_for(["灰鹭"])
    assert typeface.drawable("灰鹭") == "灰\\u9e6d"
    assert len(caplog.records) == 1
    assert "1 of the characters" in caplog.text


def test_drawing_without_the_font_warns_once_and_not_from_matplotlib(
    installed, caplog, recwarn, tmp_path
):
    import numpy as np

    installed()
    image_grid(np.zeros((3, 8, 8)), ["灰鹭"] * 3, tmp_path / "g.png")
    assert [r.name for r in caplog.records] == ["residency.report.fonts"]
    assert not list(recwarn)


def test_control_characters_are_escaped():
    typeface = typeface_for(["a\tb\u202e"])
    assert typeface.drawable("a\tb\u202e\n") == "a\\x09b\\u202e\n"


def test_preferred_families_come_first(monkeypatch):
    class Entry:
        def __init__(self, name, weight=400, style="normal"):
            self.name, self.weight, self.style, self.fname = name, weight, style, name

    class Manager:
        ttflist = (
            Entry("Zapf"),
            Entry("Last Resort High-Efficiency"),
            Entry("WenQuanYi Zen Hei", weight=500),
            Entry("Noto Sans CJK JP"),
            Entry("SimHei", weight=700),
            Entry("SimHei", style="italic"),
        )

    monkeypatch.setattr(fonts.font_manager, "fontManager", Manager)
    assert [face.family for face in fonts.installed_faces()] == [
        "Noto Sans CJK JP",
        "WenQuanYi Zen Hei",
        "Zapf",
    ]


def test_a_broken_font_file_is_passed_over(tmp_path):
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    assert fonts._characters(str(broken), frozenset("a")) == frozenset()
