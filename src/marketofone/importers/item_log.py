"""Logs of who took what, from anywhere: a table with a column of users and one of items, a row a time.

CSV in any usual form, gzipped or not, or Parquet; the first line names the columns. Further columns are left alone.
"""

from __future__ import annotations

from pathlib import Path

from marketofone.domain.errors import MalformedDocument
from marketofone.importers.formats import open_log
from marketofone.importers.rows import BadRow
from marketofone.importers.tables.cells import text_of


def read(path: Path, *, columns: tuple[str, str]) -> list[tuple[str, str]]:
    r"""Give two columns of a table, row by row; rows in which one of them is empty are left out.

    Raises
    ------
    MalformedDocument
        When the file cannot be read, a column is missing, or no row is left.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "log.csv"
    ...     _ = path.write_text("user,item\na,card\nb,loan\n")
    ...     read(path, columns=("user", "item"))
    [('a', 'card'), ('b', 'loan')]
    """
    table = open_log(path)
    missing = [name for name in columns if name not in table.columns]
    if missing:
        shape = f"a table without the column {missing[0]!r}"
        raise MalformedDocument(field=path.name, shape=shape, fix="name its columns with the options of this command")
    one, other = (table.columns.index(name) for name in columns)
    pairs = [
        (text_of(row.cells[one]), text_of(row.cells[other]))
        for row in table.rows()
        if not isinstance(row, BadRow) and len(row.cells) > max(one, other)
    ]
    found = [pair for pair in pairs if all(pair)]
    if not found:
        raise MalformedDocument(field=path.name, shape="no rows", fix="name a table of users and items")
    return found
