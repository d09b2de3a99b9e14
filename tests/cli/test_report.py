"""`residency report` writes the page again and says where."""

import pytest
from typer.testing import CliRunner

from residency.cli.app import app


def test_the_path_is_printed(tmp_path):
    (tmp_path / "recipe.json").write_text("{}")
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert result.output.replace("\n", "") == str(tmp_path / "report.html")
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", ["none", "photos"])
def test_no_run(name, tmp_path):
    (tmp_path / "photos").mkdir()
    result = CliRunner().invoke(app, ["report", str(tmp_path / name)])
    assert "expected the folder of a run" in str(result.exception)
    assert not (tmp_path / name / "report.html").exists()
