"""Each check's page shows a sick and a healthy example, and both are true."""

import re
from pathlib import Path

import pytest

from residency.doctor.history import CHECKS as RUN_CHECKS
from residency.doctor.history import diagnose_history
from residency.doctor.labels import LABELS
from residency.doctor.script import CHECKS as SCRIPT_CHECKS
from residency.doctor.script import diagnose_script

PAGES = Path(__file__).parents[2] / "docs" / "doctor"
BLOCK = re.compile(r"^```(?:py|csv)\n(.*?)^```", re.MULTILINE | re.DOTALL)
OPTIONS = {"RD511": {"recipe": "he2015/resnet20-cifar10"}}


def examples(code: str) -> list[str]:
    """Returns the sick example and the healthy one."""
    return BLOCK.findall((PAGES / f"{code}.md").read_text(encoding="utf-8"))


def diagnose(code: str, text: str, folder: Path):
    path = folder / ("script.py" if code in SCRIPT_CHECKS else "log.csv")
    path.write_text(text, encoding="utf-8")
    if code in SCRIPT_CHECKS:
        return diagnose_script(path)
    return diagnose_history(path, **OPTIONS.get(code, {}))


@pytest.mark.parametrize("code", [*SCRIPT_CHECKS, *RUN_CHECKS])
def test_a_page_shows_what_its_check_finds(code, tmp_path):
    sick, healthy = examples(code)
    assert code in {finding.code for finding in diagnose(code, sick, tmp_path)}
    found = diagnose(code, healthy, tmp_path)
    assert code not in {finding.code for finding in found}
    assert [f for f in found if f.severity != "advice"] == []


@pytest.mark.parametrize("code", [*SCRIPT_CHECKS, *RUN_CHECKS])
def test_a_finding_is_complete(code, tmp_path):
    """Numbers and short strings as evidence, a cure, a known severity, a code."""
    for finding in diagnose(code, examples(code)[0], tmp_path):
        assert finding.severity in {"error", "warning", "advice"}
        assert 0 < finding.confidence <= 1
        assert finding.title.endswith(".")
        assert finding.why
        assert finding.cure
        assert finding.effect
        assert finding.label in LABELS
        assert all(isinstance(v, int | float | str) for v in finding.evidence.values())
        assert bool(finding.source) == (finding.code in SCRIPT_CHECKS)
