"""Whether the first line of a file of text is a header, and which names it has."""

from __future__ import annotations

from regnet.tables.columns import FileError, is_number, looks_like_a_row, running_header

__all__ = ["read_header"]


def read_header(path: str, rows: list[list[str]]) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
    """Names, whether they stand in the file, and what to say, from the first one or two lines with cells."""
    cells, below = [cell.strip() for cell in rows[0]], rows[1:]
    unnamed = tuple(f"column{number}" for number in range(len(cells)))
    shown = ", ".join(cells if len(cells) < 6 else [*cells[:3], "...", cells[-1]])
    whole = not below or all(cell.strip().isdigit() for cell in below[0])
    if len(cells) == 2 and running_header(cells) and whole:
        raise FileError(f"{path}: the first line ({shown}) may be a header or a row: put a line of names above it.")
    if all(map(is_number, cells)) and not running_header(cells):
        return unnamed, False, ()
    if cells[0] and looks_like_a_row(cells, below[0] if below else []):
        raise FileError(
            f"{path}: the first line ({shown}) may be a row as well as a header, with numbers among its cells: put a "
            "line of names above it, or use names that are no numbers."
        )
    nameless = [number for number, cell in enumerate(cells) if not cell and number]
    if nameless:
        raise FileError(f"{path}: column {nameless[0] + 1} has no name in the first line: give it one, or delete it.")
    note = f"{path}: the first line ({shown}) is taken for a header; if it is a row, put a line of names above it."
    return tuple(cells), True, (note,) if any(map(is_number, cells)) else ()
