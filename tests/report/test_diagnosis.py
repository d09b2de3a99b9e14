"""The page of a diagnosis: whole, escaped, with nothing from elsewhere."""

import os

import pytest

from residency.errors import ExportError
from residency.report.diagnosis import diagnosis_page, write_diagnosis

FINDING = {
    "code": "RD104",
    "label": "input_not_normalised",
    "severity": "warning",
    "title": "Pixels reach `conv1` in 0..255.",
    "evidence": {"largest_value": 255.0},
    "why": "Gradients explode.",
    "cure": "Divide by 255.",
    "snippet": "x = x / 255",
    "effect": "",
    "confidence": 0.9,
    "source": "",
}


def page(**changes):
    fields = {"findings": [FINDING | changes], "healthy": ["labels are in range"]}
    fields |= {"trials": [], "notes": []}
    return diagnosis_page(
        fields | {"not_checked": [], "subject": "net", "seconds": 1.25}
    )


def test_a_finding_stands_with_its_evidence_and_cure():
    found = page()
    for text in (
        "1 fault</b>, 1 check fine; 1.2 s",
        "RD104",
        "<code>conv1</code>",
        "largest value",
        "255.0",
        "Divide by 255.",
        "x = x / 255",
        "confidence 90 %",
        "labels are in range",
    ):
        assert text in found


def test_a_page_without_faults_says_so():
    fields = {"findings": [], "healthy": [], "not_checked": [], "trials": []}
    fields |= {"subject": "net", "seconds": 0.1}
    found = diagnosis_page(fields | {"notes": []})
    assert "No fault found</b>" in found
    assert "<h2>Findings" not in found
    found = diagnosis_page(fields | {"notes": ["Read, not `run`."]})
    assert "No fault found in what could be checked</b>" in found
    assert "Read, not <code>run</code>." in found


@pytest.mark.parametrize("field", ["title", "why", "cure", "snippet", "source", "code"])
def test_what_comes_from_users_is_escaped(field):
    assert "<script>" not in page(**{field: "`<script>`alert(1)</script>"})


def test_it_is_written_whole_or_not_at_all(tmp_path):
    fields = {"findings": [FINDING], "healthy": [], "not_checked": [], "trials": []}
    fields |= {"subject": "a\udc80b", "seconds": 1.0, "notes": []}
    write_diagnosis(fields, tmp_path / "d.html")
    text = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert text.rstrip().endswith("</html>")
    with pytest.raises(ExportError):
        write_diagnosis(fields, tmp_path / "d.html" / "x" / "y.html")
    assert os.listdir(tmp_path) == ["d.html"]


TRIAL = {
    "code": "RD104",
    "label": "input_not_normalised",
    "title": FINDING["title"],
    "treatment": "inputs of mean 0",
    "verdict": "helped",
    "outcome": "confirmed",
    "summary": "Without it error 0.90; with it error 0.10.",
    "measure": "cross-entropy",
    "steps": 60,
    "repeats": 3,
    "untreated": (1.0, 0.9),
    "treated": (1.0, 0.1),
    "seconds": 1.0,
}


def test_a_trial_stands_with_its_finding_or_among_the_withdrawn():
    fields = {"findings": [FINDING], "healthy": [], "not_checked": []}
    fields |= {"subject": "net", "seconds": 1.0, "notes": []}
    found = diagnosis_page(fields | {"trials": [TRIAL]})
    assert found.count("<svg") == 1
    assert "inputs of mean 0: helped, confirmed" in found
    assert "withdrawn" not in found
    gone = TRIAL | {"outcome": "withdrawn", "verdict": "worse"}
    found = diagnosis_page(fields | {"findings": [], "trials": [gone]})
    assert "What was withdrawn" in found
    assert found.count("<svg") == 1
    untried = TRIAL | {"outcome": "as it was", "verdict": "not tried", "untreated": ()}
    found = diagnosis_page(fields | {"trials": [untried]})
    assert "Cure not tried" in found
    assert "<svg" not in found
