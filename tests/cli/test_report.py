"""`residency report` writes the page again and says where."""

from typer.testing import CliRunner

from residency.cli.app import app


def test_the_path_is_printed(tmp_path):
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert result.output.replace("\n", "") == str(tmp_path / "report.html")
    assert (tmp_path / "report.html").exists()


def test_no_run(tmp_path):
    result = CliRunner().invoke(app, ["report", str(tmp_path / "none")])
    assert "expected the folder of a run" in str(result.exception)
