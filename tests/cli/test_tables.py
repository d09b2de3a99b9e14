r"""Tables on a terminal and into a pipe: names whole, and nothing obeyed."""

import io

import pytest
import rich.console

from residency.cli.tables import WHOLE, print_table

HOSTILE = "\x1b[31mred\x1b[0m\nnew"
SAFE = "\\x1b[31mred\\x1b[0m\\x0anew"


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 80 columns, as text."""
    screen, console = io.StringIO(), rich.console.Console

    def opened():
        return console(file=screen, force_terminal=True, width=80, color_system=None)

    monkeypatch.setattr(rich.console, "Console", opened)
    return screen


def test_a_name_in_a_pipe_is_one_cell(capsys):
    print_table(("image", HOSTILE), [(HOSTILE, "[bold]x[/bold]")])
    assert capsys.readouterr().out == f"image\t{SAFE}\n{SAFE}\t[bold]x[/bold]\n"


def test_a_name_on_a_terminal_moves_nothing(terminal):
    print_table(("image", "class"), [(HOSTILE, "cat")], title=f"[b]{HOSTILE}")
    shown = terminal.getvalue()
    assert "\x1b[31m" not in shown
    assert f"[b]{SAFE}" in shown
    assert SAFE in shown.replace(f"[b]{SAFE}", "")


def test_names_of_usual_length_are_not_broken(terminal):
    """The recipes could not be copied from the list of them."""
    name, path = "he2015/resnet110-cifar10", "photos/" * 30
    print_table(("recipe", "what"), [(name, "words " * 40), (path, "words " * 40)])
    lines = terminal.getvalue().splitlines()
    assert sum(line.startswith(f" {name} ") for line in lines) == 1
    assert max(map(len, lines)) <= 80
    assert len(name) < WHOLE < len(path)
    first = "".join(line[: line.index("words")] for line in lines if "words" in line)
    assert path in first.replace(" ", "")
