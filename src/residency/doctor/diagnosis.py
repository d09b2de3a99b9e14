"""What the doctor says: findings, what is fine, what could not be told."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from residency.data.index import shortened
from residency.records import Finding, Trial
from residency.report.diagnosis import diagnosis_page, write_diagnosis

SEVERITIES = ("error", "warning", "advice")
SHOWN = 3
"""Checks that could not be made are named up to so many, the rest counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The result of `residency.diagnose`; iterating gives the findings."""

    findings: tuple[Finding, ...]
    """Strongest first: errors, then warnings, then advice."""
    healthy: tuple[str, ...]
    """What was checked and is fine, a phrase each."""
    not_checked: tuple[str, ...]
    """What could not be told from what was given."""
    subject: str
    """What was looked at, such as the model's name."""
    seconds: float
    """Time taken."""
    trials: tuple[Trial, ...] = ()
    """What came of cures that were tried; empty: none was."""
    notes: tuple[str, ...] = ()
    """What would tell more, a sentence each."""

    def __iter__(self) -> Any:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def worst(self) -> str | None:
        """The severity of the first finding; `None`: there is none."""
        return self.findings[0].severity if self.findings else None

    def to_json(self) -> str:
        """Returns everything as a JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    def to_html(self, path: str | Path | None = None) -> str:
        """Returns a page that needs nothing but itself; writes it to `path` if given.

        Raises:
            ExportError: The file cannot be written.
        """
        fields = asdict(self)
        if path is not None:
            write_diagnosis(fields, Path(path))
        return diagnosis_page(fields)

    def lines(self) -> list[str]:
        """Returns the findings as plain text, for terminals and logs."""
        found: list[str] = []
        for finding in self.findings:
            where = f" [{finding.source}]" if finding.source else ""
            head = f"{finding.severity}: {finding.title} ({finding.code}, "
            found.append(f"{head}{finding.label}){where}")
            found.append(f"    why:  {finding.why}")
            found.append(f"    cure: {finding.cure}")
            found += [f"        {line}" for line in finding.snippet.splitlines()]
            if finding.effect:
                found.append(f"    then: {finding.effect}")
            tried = [t for t in self.trials if t.title == finding.title]
            found += [f"    tried: {_result(trial)}" for trial in tried]
        found += [
            f"withdrawn: {trial.title} ({trial.code}, {trial.label})\n"
            f"    tried: {_result(trial)}"
            for trial in self.trials
            if trial.outcome == "withdrawn"
        ]
        if not any(f.severity != "advice" for f in self.findings):
            partly = self.not_checked or self.notes
            where = " in what could be checked" if partly else ""
            found.append(f"No fault found{where}.")
        if self.healthy:
            found.append(f"{len(self.healthy)} checks are fine.")
        if self.not_checked:
            names = shortened(self.not_checked, SHOWN)
            count = len(self.not_checked)
            found.append(f"{count} checks could not be made: {names}.")
        return [*found, *self.notes]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def _result(trial: Trial) -> str:
    if trial.verdict == "not tried":
        return f"no. {trial.summary}"
    return f"{trial.treatment}: {trial.verdict}, {trial.outcome}. {trial.summary}"
