"""What the doctor found, as one HTML page that needs nothing but itself."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from residency.files import replacing
from residency.report.trial_chart import trial_chart


def diagnosis_page(diagnosis: Mapping[str, Any]) -> str:
    """Returns the page; all text in it is escaped, and no script runs.

    Args:
        diagnosis: The fields of a `Diagnosis`, findings as mappings.
    """
    environment: Any = Environment(
        loader=PackageLoader("residency.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    return environment.get_template("diagnosis.html.j2").render(
        **diagnosis, trial_chart=trial_chart
    )


def prose(text: str) -> Markup:
    """Returns text for HTML, escaped; what stands between backticks as code.

    >>> str(prose("`a < b` fails"))
    '<code>a &lt; b</code> fails'
    """
    parts = re.split(r"`([^`]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )


def write_diagnosis(diagnosis: Mapping[str, Any], path: Path) -> None:
    """Writes the page, whole or not at all.

    Raises:
        ExportError: The file cannot be written.
    """
    with replacing(path) as temporary:
        page = diagnosis_page(diagnosis)
        temporary.write_bytes(page.encode("utf-8", "backslashreplace"))
