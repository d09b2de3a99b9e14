"""The page of traps has all rows of the five texts, and names pages that exist."""

import re
from pathlib import Path

import pytest

DOCTOR = Path(__file__).parents[2] / "docs" / "doctor"
TRAPS = (17, 9, 8, 14, 8)
"""How many each text has."""
ROW = re.compile(r"^\| (\d+) \| (.+) \| (check|impossible|none) \| (.+) \|$")
CODE = re.compile(r"RD\d{3}")


def sections() -> list[str]:
    """Returns the part of the page that belongs to each text."""
    page = (DOCTOR / "traps.md").read_text(encoding="utf-8")
    return re.split(r"^## Text \d+$", page, flags=re.MULTILINE)[1:]


def rows(section: str) -> list[tuple[str, ...]]:
    found = (ROW.match(line) for line in section.splitlines())
    return [match.groups() for match in found if match]


def test_the_texts_stand_in_order():
    page = (DOCTOR / "traps.md").read_text(encoding="utf-8")
    numbers = re.findall(r"^## Text (\d+)$", page, flags=re.MULTILINE)
    assert [int(number) for number in numbers] == [*range(len(TRAPS))]


@pytest.mark.parametrize(("text", "count"), [*enumerate(TRAPS)])
def test_each_trap_has_its_row(text, count):
    numbers = [int(number) for number, *_ in rows(sections()[text])]
    assert numbers == [*range(1, count + 1)]


def test_each_code_has_a_page_and_links_to_it():
    page = (DOCTOR / "traps.md").read_text(encoding="utf-8")
    for code in set(CODE.findall(page)):
        assert (DOCTOR / f"{code}.md").exists(), code
    assert not CODE.search(re.sub(r"\[(RD\d{3})\]\(\1\.md\)", "", page))


def test_a_check_is_named_where_one_is_claimed():
    for text, section in enumerate(sections()):
        for number, _, seen, by in rows(section):
            assert seen != "check" or CODE.search(by), f"text {text}, trap {number}"
