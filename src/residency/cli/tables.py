"""Tables as people read them: aligned on a terminal, tab-separated into a pipe."""

from collections.abc import Collection, Sequence

WHOLE = 40  # cells of a terminal: a first column up to this width is not folded


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str | None = None,
    red: Collection[int] = (),
) -> None:
    """Prints one table; nothing in it is taken for markup or moves the cursor.

    Args:
        columns: The heads.
        rows: As many texts each as there are columns; long ones are folded.
        title: Printed above, on a terminal only.
        red: Numbers of the rows that are drawn in red, on a terminal only.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from residency.data.sources.image_files import readable

    columns, *rows = [list(map(readable, row)) for row in (columns, *rows)]
    console = Console()
    if not console.is_terminal:
        print("\n".join("\t".join(row) for row in (columns, *rows)))
        return
    head = None if title is None else Text(readable(title), style="table.title")
    table = Table(box=box.SIMPLE, pad_edge=False, title=head, title_justify="left")
    width = max(cell_len(row[0]) for row in (columns, *rows))
    for number, column in enumerate(columns):
        least = min(width, WHOLE) if number == 0 else None
        table.add_column(Text(column), overflow="fold", min_width=least)
    for number, row in enumerate(rows):
        table.add_row(*map(Text, row), style="red" if number in red else None)
    console.print(table)
