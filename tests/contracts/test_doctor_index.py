"""The doctor's index names every code once, as its page and its check do."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import doctor_index

from residency.doctor.history import diagnose_history
from residency.doctor.labels import LABELS


def test_the_index_is_in_step_with_checks_and_pages():
    """Else: `python scripts/doctor_index.py`."""
    text = doctor_index.INDEX.read_text(encoding="utf-8")
    assert doctor_index.between_marks(text, doctor_index.lines()) == text


def test_each_code_has_a_page_and_each_page_a_code():
    pages = {page.stem for page in doctor_index.PAGES.glob("RD*.md")}
    assert pages == set(doctor_index.codes())


def test_each_code_has_a_label_and_a_severity():
    for code, found in doctor_index.codes().items():
        assert found.labels, code
        assert found.labels <= set(LABELS), code
        assert found.severities, code


def test_what_is_read_in_the_source_is_what_a_check_says():
    """A loss that becomes NaN, and one that jumps, against the rows of their codes."""
    losses = {"loss": [2.3, 2.1, 40.0, float("nan"), float("nan")]}
    found = diagnose_history(losses)
    assert found
    codes = doctor_index.codes()
    for finding in found:
        assert finding.label in codes[finding.code].labels
        assert finding.severity in codes[finding.code].severities
