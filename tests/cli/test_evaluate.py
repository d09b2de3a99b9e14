"""`residency evaluate`."""

from typer.testing import CliRunner

from residency.cli.app import app
from residency.errors import ConfigError


def test_a_figure_of_another_format_is_refused_before_the_work():
    result = CliRunner().invoke(app, ["evaluate", "none.keras", "--confusion", "c.jpg"])
    assert isinstance(result.exception, ConfigError)
    assert "'c.jpg': expected a name ending in .svg or .png" in str(result.exception)
