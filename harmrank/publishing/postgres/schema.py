"""The tables of a mart in PostgreSQL: those there now, those that should be, and the statements that change them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from harmrank.errors import HarmrankError
from harmrank.publishing.postgres.connection import Connection

TYPES = {
    "BIGINT": "bigint",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "double precision",
    "INTEGER": "integer",
    "TIMESTAMP": "timestamp without time zone",
    "VARCHAR": "text",
}
"""The types of the mart, and the PostgreSQL type that holds exactly the same values."""

_COLUMNS = """
    select relations.relname, relations.relkind::text, obj_description(relations.oid, 'pg_class'),
        attributes.attname, format_type(attributes.atttypid, attributes.atttypmod), not attributes.attnotnull,
        col_description(relations.oid, attributes.attnum)
    from pg_class as relations
    left join pg_attribute as attributes
        on relations.oid = attributes.attrelid and attributes.attnum > 0 and not attributes.attisdropped
    where relations.relnamespace = to_regnamespace(quote_ident(%s)) and relations.relkind in ('r', 'p', 'v', 'm', 'f')
    order by relations.relname, attributes.attnum
"""
_KEYS = """
    select relations.relname, constraints.conname, constraints.contype = 'p', array_agg(attributes.attname::text order by k.place)
    from pg_constraint as constraints
    inner join pg_class as relations on constraints.conrelid = relations.oid
    cross join lateral unnest(constraints.conkey) with ordinality as k (attnum, place)
    inner join pg_attribute as attributes on attributes.attrelid = relations.oid and attributes.attnum = k.attnum
    where relations.relnamespace = to_regnamespace(quote_ident(%s)) and constraints.contype in ('p', 'u')
    group by relations.relname, constraints.conname, constraints.contype
    order by relations.relname, constraints.contype, constraints.conname
"""


@dataclass(frozen=True)
class Column:
    """A column: its name, PostgreSQL type, whether it may be null, and its description."""

    name: str
    type: str
    nullable: bool
    comment: str | None


@dataclass(frozen=True)
class Table:
    """A table: its columns, its keys (the first is the primary key) and its description."""

    name: str
    columns: tuple[Column, ...]
    keys: tuple[tuple[str, ...], ...]
    comment: str | None


@dataclass(frozen=True)
class Found:
    """The contents of a schema: its tables, the names of their key constraints, and the names of views and the like."""

    tables: dict[str, Table]
    constraints: dict[str, list[str]]
    others: frozenset[str]


def of_manifest(name: str, entry: dict[str, Any]) -> Table:
    """Returns the table that the manifest of a build describes. Raises HarmrankError for an unknown type."""
    keys = tuple(tuple(key) for key in entry.get("keys", []))
    never_null = keys[0] if keys else ()
    columns = []
    for column in entry["columns"]:
        if column["type"] not in TYPES:
            raise HarmrankError(
                f"{name}.{column['name']} is a {column['type']}, which harmrank cannot copy to PostgreSQL"
            )
        nullable = column["nullable"] and column["name"] not in never_null
        columns.append(Column(column["name"], TYPES[column["type"]], nullable, column["description"]))
    return Table(name, tuple(columns), keys, entry["description"])


def contents(connection: Connection, schema: str) -> Found:
    """Returns the tables and views of a schema, no matter who made them."""
    columns: dict[str, list[Column]] = {}
    comments: dict[str, str | None] = {}
    others = set()
    for relation, kind, comment, name, kind_of_value, nullable, description in connection.execute(_COLUMNS, [schema]):
        if kind != "r":
            others.add(relation)
            continue
        comments[relation] = comment
        columns.setdefault(relation, [])
        if name is not None:
            columns[relation].append(Column(name, kind_of_value, nullable, description))
    keys: dict[str, list[tuple[str, ...]]] = {}
    constraints: dict[str, list[str]] = {}
    for relation, name, _, key in connection.execute(_KEYS, [schema]):
        keys.setdefault(relation, []).append(tuple(key))
        constraints.setdefault(relation, []).append(name)
    tables = {name: Table(name, tuple(columns[name]), tuple(keys.get(name, [])), comments[name]) for name in columns}
    return Found(tables, constraints, frozenset(others))


def create(schema: str, table: Table) -> sql.Composed:
    """Returns the statement that makes a table without keys, which are added after its rows."""
    columns = sql.SQL(", ").join(_definition(column) for column in table.columns)
    return sql.SQL("create table {} ({})").format(sql.Identifier(schema, table.name), columns)


def alter(schema: str, before: Table, after: Table, constraints: list[str]) -> Iterator[sql.Composed]:
    """Returns the statements that change the columns of a table, and drop keys that it should not have.

    Run them while the table is empty. Each makes readers wait until the transaction is over. A column with another type
    is dropped and added: views on it must be dropped first.
    """
    had, wanted = {c.name: c for c in before.columns}, {c.name: c for c in after.columns}
    change = sql.SQL("alter table {} ").format(sql.Identifier(schema, after.name))
    if before.keys and set(before.keys) != set(after.keys):
        for name in constraints:
            yield change + sql.SQL("drop constraint {}").format(sql.Identifier(name))
    for name, column in had.items():
        if name not in wanted or wanted[name].type != column.type:
            yield change + sql.SQL("drop column {}").format(sql.Identifier(name))
    for name, column in wanted.items():
        if name not in had or had[name].type != column.type:
            yield change + sql.SQL("add column ") + _definition(column)
        elif had[name].nullable != column.nullable:
            what = sql.SQL("drop not null" if column.nullable else "set not null")
            yield change + sql.SQL("alter column {} ").format(sql.Identifier(name)) + what


def add_keys(schema: str, before: Table | None, after: Table) -> Iterator[sql.Composed]:
    """Returns the statements that add missing keys."""
    if before is not None and set(before.keys) == set(after.keys):
        return
    for place, key in enumerate(after.keys):
        kind = sql.SQL("unique" if place else "primary key")
        columns = sql.SQL(", ").join(map(sql.Identifier, key))
        yield sql.SQL("alter table {} add {} ({})").format(sql.Identifier(schema, after.name), kind, columns)


def comment(schema: str, before: Table | None, after: Table) -> Iterator[sql.Composed]:
    """Returns the statements that set missing or changed comments of the table and its columns."""
    described = {column.name: column for column in before.columns} if before else {}
    where = sql.Identifier(schema, after.name)
    if before is None or before.comment != after.comment:
        yield sql.SQL("comment on table {} is {}").format(where, sql.Literal(after.comment))
    for column in after.columns:
        known = described.get(column.name)
        if known is None or known.type != column.type or known.comment != column.comment:
            name = sql.Identifier(schema, after.name, column.name)
            yield sql.SQL("comment on column {} is {}").format(name, sql.Literal(column.comment))


def _definition(column: Column) -> sql.Composed:
    null = sql.SQL("" if column.nullable else " not null")
    return sql.SQL("{} {}{}").format(sql.Identifier(column.name), sql.SQL(column.type), null)
