"""Tables as people read them: aligned on a terminal, tab-separated into a pipe."""

from collections.abc import Collection, Sequence


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str | None = None,
    red: Collection[int] = (),
) -> None:
    """Prints one table; nothing in it is taken for markup.

    Args:
        columns: The heads.
        rows: As many texts each as there are columns; long ones are folded.
        title: Printed above, on a terminal only.
        red: Numbers of the rows that are drawn in red, on a terminal only.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        print("\n".join("\t".join(row) for row in (columns, *rows)))
        return
    table = Table(box=box.SIMPLE, pad_edge=False, title=title, title_justify="left")
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for number, row in enumerate(rows):
        table.add_row(*map(Text, row), style="red" if number in red else None)
    console.print(table)
