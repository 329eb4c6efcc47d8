"""The cells of a text file as DuckDB keeps them: columns of numbers as float64, others as the file writes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, final

import duckdb
from numpy.typing import NDArray

from regnet.tables.columns import plain_numbers
from regnet.tables.dialect import Dialect, pattern
from regnet.tables.held import HeldColumns
from regnet.tables.utf8 import parts

__all__ = ["CellStore", "open_database"]

MEMORY = 80 * 2**20
"""Bytes that DuckDB may use for a file; what is more goes to the disk. It would take most of the machine's memory."""

COLUMN_MEMORY = 2**18
"""And for each column: the block that it is filling."""

SAMPLE = 200
"""Rows by which columns are taken for text at first."""

REJECTS = 1000
"""Rows that cannot be read, of which the first is shown: each is kept whole."""

TOGETHER = 400
"""Columns that one query asks about, whose making takes more than twice as long for twice as many."""

AHEAD = 2**21
"""Cells of numbers that one query reads."""

TEXTS_AHEAD = 2**18
"""And of text, which takes eight times as much memory."""

UNDERSCORED = re.compile(rb"_(?<=[0-9]_)[0-9]")


def open_database(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a database for the columns of a file; the folder is for what does not fit in memory.

    One thread: those of DuckDB 1.4 wait for each other where memory is bounded, and wait busily: 300,000 rows of 50
    numbers took two of them 5.6 CPU seconds, and one 1.6.
    """
    return duckdb.connect(config={"threads": 1, "temp_directory": str(folder / "spilt")})


@final
class CellStore:
    """Every column of a text file, its rows in their order.

    rows: how many; careful: whether rows that could not be read were left out, which `reject_errors` then lists.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, file: Path, dialect: Dialect, columns: int) -> None:
        """dialect: skips a header too. Raises duckdb.Error where nothing can be read."""
        self._database, self._file, self._dialect, self._columns = database, file, dialect, columns
        ((self._most_memory,),) = database.execute("select current_setting('memory_limit')").fetchall()
        database.execute(f"set memory_limit = '{(MEMORY + COLUMN_MEMORY * columns) // 2**10}KiB'")
        kinds = self._guessed(columns)
        self.careful = _doubtful(file)
        if not self.careful:
            try:
                self._keep("cells", kinds)
            except duckdb.Error:  # a number is none, further down, or a row has another width: which one is asked then
                self.careful = True
        if self.careful:
            self._keep("cells", kinds, careful=True)
        ((self.rows,),) = database.execute("select count(*) from cells").fetchall()
        self._numeric = dict.fromkeys(range(columns), False) | self._finite([k for k in kinds if kinds[k] == "DOUBLE"])
        self._numbers = self._held("cells", [k for k, one in self._numeric.items() if one], AHEAD)
        texts = [k for k, kind in kinds.items() if kind == "VARCHAR"]
        self._texts = dict.fromkeys(texts, self._held("cells", texts, TEXTS_AHEAD))

    def _guessed(self, columns: int) -> dict[int, str]:
        """Types by the first rows, in which a cell that is no number settles it: such columns are kept as text."""
        try:
            rows = self._database.execute(f"select * from {self._source({})} limit {SAMPLE}").fetchall()
        except duckdb.Error:
            rows = []
        cells = zip(*rows, strict=True) if rows else [()] * columns
        return {
            k: "VARCHAR" if plain_numbers(["" if cell is None else cell for cell in column]) is None else "DOUBLE"
            for k, column in enumerate(cells)
        }

    def _keep(self, table: str, kinds: dict[int, str], *, careful: bool = False) -> None:
        """Have DuckDB read columns once, and hold them as `table`.

        careful: cells that are no numbers are null, and rows of another width left out. A bare try_cast will not do:
        DuckDB 2.0 makes of it a column that is read as numbers, and leaves out the rows where it is none.
        """
        number = "case when contains({0}, '_') or contains({0}, '+-') then null else try_cast({0} as double) end"
        forms = {"DOUBLE": number if careful else "{0}", "VARCHAR": "coalesce({0}, '')"}
        listed = ", ".join(f"{forms[kind].format(f'c{k}')} as c{k}" for k, kind in kinds.items())
        read = dict.fromkeys(kinds, "VARCHAR") if careful else kinds
        rejects = f", store_rejects=true, rejects_limit={REJECTS}" if careful else ""
        query = f"create table {table} as select {listed} from {self._source(read, rejects)}"
        try:
            self._database.execute(query)
        except duckdb.OutOfMemoryException:  # cells so long that a few rows fill it
            self._database.execute(f"set memory_limit = '{self._most_memory}'")  # DuckDB 1.4 says 'reset', and does not
            self._database.execute(query)

    def _finite(self, columns: list[int]) -> dict[int, bool]:
        """Whether all cells of each column are finite numbers."""
        found: dict[int, bool] = {}
        for start in range(0, len(columns), TOGETHER):
            asked = columns[start : start + TOGETHER]
            tests = ", ".join(f"bool_and(coalesce(isfinite(c{k}), false))" for k in asked)
            (answers,) = self._database.execute(f"select {tests} from cells").fetchall()
            found |= zip(asked, map(bool, answers), strict=True)
        return found

    def _source(self, kinds: dict[int, str], more: str = "") -> str:
        """The rows as DuckDB reads them; columns that are not named are text."""
        columns = ", ".join(f"'c{k}': '{kinds.get(k, 'VARCHAR')}'" for k in range(self._columns))
        return (
            f"read_csv({pattern(self._file)}, auto_detect=false, header=false, skip={self._dialect.skip}, "
            f"{self._dialect.options()}, columns={{{columns}}}, strict_mode=true{more})"
        )

    def numeric(self, column: int) -> bool:
        """Whether every cell of the column is a finite number."""
        return self._numeric[column]

    def cells(self, column: int, rows: slice = slice(None)) -> NDArray[Any]:
        """A column, or some consecutive rows of it: float64 if `numeric`, else text, which is judged elsewhere."""
        return self._numbers.read(column, rows) if self._numeric[column] else self.text(column, rows)

    def text(self, column: int, rows: slice = slice(None)) -> NDArray[Any]:
        """A column, or some consecutive rows of it, as the file has it, (n,) str objects."""
        if column not in self._texts:
            alike = [k for k, one in self._numeric.items() if not one and k not in self._texts]
            table, needed = f"text{len(self._texts)}", [column] if self._numeric[column] else alike
            self._keep(table, dict.fromkeys(needed, "VARCHAR"))
            self._texts |= dict.fromkeys(needed, self._held(table, needed, TEXTS_AHEAD))
        return self._texts[column].read(column, rows)

    def _held(self, table: str, columns: list[int], ahead: int) -> HeldColumns:
        return HeldColumns(self._database, table, columns, self.rows, ahead)


def _doubtful(file: Path) -> bool:
    """Whether the text has, anywhere, what DuckDB reads as numbers, and nobody else: 1_000 or +-1."""
    before = b""
    for part in parts(file):
        text = before + part
        if (b"+" in text and b"+-" in text) or (b"_" in text and UNDERSCORED.search(text)):  # one byte is found faster
            return True
        before = part[-2:]
    return False
