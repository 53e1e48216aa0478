"""What a verification asks of the tables themselves: how many rows there are, and that nothing about them was changed.

The server checks its own files (``data_checksums``), and only its superuser can look into them. What is looked at here
is what no walk through the journals would meet: the layout of the tables, and rows that only this engine has.
"""

from __future__ import annotations

from marketofone.audit.journal_chain import GENESIS
from marketofone.audit.merkle import Frontier
from marketofone.store.inspection import Sizes
from marketofone.store.postgres.connection import Execute
from marketofone.store.postgres.schema import COLUMNS, INDEXES

_COUNTED = {name: b"SELECT count(*) FROM " + name.encode() for name in Sizes.__struct_fields__}
_COUNTED["heads"] += b" WHERE n > 0"  # the others were only expected to stand where they stood
_COUNTED["keys"] = b"SELECT count(*) FROM events"

_TABLES = b"""
SELECT c.relname::text, string_agg(a.attname, ',' ORDER BY a.attname COLLATE "C")
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relnamespace = 'marketofone'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT a.attisdropped
GROUP BY c.relname
"""
_INDEXES = b"""
SELECT c.relname::text FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'marketofone'::regnamespace AND i.indisvalid AND i.indisready
"""
_INTRUDERS = b"""
SELECT t.tgname::text FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'marketofone'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT r.rulename::text FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class
WHERE c.relnamespace = 'marketofone'::regnamespace
UNION ALL
SELECT c.relname::text FROM pg_catalog.pg_class AS c
WHERE c.relnamespace = 'marketofone'::regnamespace AND (c.relrowsecurity OR c.relhassubclass)
"""
_EMPTY_HEADS = b"SELECT count(*) FROM heads WHERE n = 0 AND (hash <> %b OR guard <> 0 OR stamp <> 0 OR recorded <> 0)"
_OUT_OF_ORDER = b"""
SELECT count(*) FROM (SELECT row <= lag(row) OVER (PARTITION BY subject ORDER BY n) AS wrong FROM entries) AS e
WHERE wrong
"""
_LEAVES = b"SELECT count(*), coalesce(max(leaf) + 1, 0) FROM leaves"
_UNSEALED = b"""
WITH unsealed AS (SELECT subject, n FROM entries EXCEPT SELECT subject, n FROM leaves)
SELECT (SELECT count(*) FROM unsealed),
       (SELECT count(*) FROM unsealed AS u JOIN waiting AS w
        ON w.subject = u.subject AND u.n BETWEEN w.first AND w.last),
       (SELECT coalesce(sum(last - first + 1), 0)::bigint FROM waiting)
"""


def sizes_of(run: Execute) -> Sizes:
    """Count all rows."""
    counts = {name: run(statement, ()).fetchall()[0][0] for name, statement in _COUNTED.items()}
    return Sizes(**counts)


def damage_of(run: Execute) -> list[str]:
    """Say in words what is wrong; empty when the tables are sound."""
    changed = _changed_layout(run)
    if changed:
        return [f"the layout of the database was changed: {name}" for name in changed]
    return _wrong_rows(run)


def _changed_layout(run: Execute) -> list[str]:
    tables = {name: set(columns.split(",")) for name, columns in run(_TABLES, ()).fetchall()}
    expected = {
        name: {column.strip().strip('"') for column in columns.split(",")} for name, columns in COLUMNS.items()
    } | {"format": {"version"}}
    indexes = {name for (name,) in run(_INDEXES, ()).fetchall()}
    intruders = {name for (name,) in run(_INTRUDERS, ()).fetchall()}
    wrong = {name for name in {*tables, *expected} if tables.get(name) != expected.get(name)}
    return sorted(wrong | (indexes ^ INDEXES) | intruders)


def _wrong_rows(run: Execute) -> list[str]:
    problems = []
    if run(_EMPTY_HEADS, (GENESIS,)).fetchall() != [(0,)]:
        problems.append("the head of a journal without entries was altered")
    if run(_OUT_OF_ORDER, ()).fetchall() != [(0,)]:
        problems.append("the order in which entries arrived was altered")
    logs = run(b"SELECT frontier FROM log", ()).fetchall()
    if len(logs) != 1:
        return [*problems, f"there are {len(logs)} Merkle logs"]
    size = Frontier.from_bytes(logs[0][0]).size
    if run(_LEAVES, ()).fetchall() != [(size, size)]:
        problems.append("the Merkle log: leaves were added or taken away")
    ((unsealed, named, waiting),) = run(_UNSEALED, ()).fetchall()
    if not unsealed == named == waiting:
        problems.append("the Merkle log: entries that wait to be sealed are not those that are not sealed")
    return problems
