"""Copies the current build into a schema of PostgreSQL in one transaction: readers see the old list or the new one.

Rows are deleted and copied, never truncated or swapped, so that no reader is locked out and views and grants on the tables
stay (docs/decisions/0037-postgresql.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, LiteralString

import duckdb
import psycopg
from psycopg import sql

from harmrank.errors import HarmrankError, UsageError
from harmrank.home.folder import Home
from harmrank.machine import duck, system_errors
from harmrank.publishing import current_build
from harmrank.publishing.current_build import (
    MART_FILE,
    NAMES,
    NAMES_ARE_CLOSED,
    NAMES_FILE,
    OPERATIONAL,
    POSTGRES_SCHEMA,
    advice,
    may_read_names,
)
from harmrank.publishing.postgres import connection as postgres
from harmrank.publishing.postgres import schema as postgres_schema
from harmrank.publishing.postgres.connection import Connection
from harmrank.publishing.postgres.schema import Column, Found, Table
from harmrank.text.quoting import identifier, text

RECORD = "harmrank_publication"
"""The table that marks a schema as harmrank's: one row, the build it holds."""

_ROWS_AT_ONCE = 5_000
_SCHEMA_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_RECORD = Table(
    RECORD,
    (
        Column("build_id", "text", False, "Name of the build that this schema holds, as in build_info."),
        Column("sha256", "text", False, "SHA-256 of the DuckDB file that the tables were copied from."),
        Column("has_names", "boolean", False, f"True if {NAMES} was copied, too. Personal data."),
        Column(
            "tables",
            "text[]",
            False,
            "The tables that harmrank keeps here; other tables in this schema are not its own.",
        ),
        Column("published_at", "timestamp with time zone", False, "When the copy began."),
    ),
    (("build_id",),),
    "One row: the build that this schema holds. It marks the schema as one of harmrank publish.",
)


@dataclass(frozen=True)
class Target:
    """The schema to copy into, whether to copy names, and the roles that may read all tables but names, or all."""

    schema: str
    with_names: bool = False
    readers: Sequence[str] = ()
    operational_readers: Sequence[str] = ()


@dataclass(frozen=True)
class Copied:
    """What a publication did: where the list is, the rows of each table, and whether any row was written."""

    place: str
    schema: str
    build_id: str
    list_date: str
    rows: dict[str, int]
    changed: bool
    remarks: list[str] = field(default_factory=list)


def publish(home: Home, address: str, target: Target, progress: Callable[[str, int, int], None]) -> Copied:
    """Copies the current build into the schema, in place of any other; if the schema holds it already, changes nothing.

    `progress` is called with (table, tables done, tables in all). Raises UsageError if nothing has been published or
    the schema's name cannot be used, and HarmrankError if the server refuses or the schema is not harmrank's. The last
    list there is still current then.
    """
    if not _SCHEMA_NAME.fullmatch(target.schema) or target.schema.startswith("pg_"):
        raise UsageError(f"{target.schema} cannot name a schema: use small letters, digits and _, not pg_ at the start")
    if target.operational_readers and not target.with_names:
        raise UsageError("--grant-operational needs --operational: without it no names are copied")
    if home.past_list and target.schema == POSTGRES_SCHEMA:
        raise UsageError(
            f"{home.root} holds the list as it was known on {home.past_list.known_at}: name a schema of its own with --schema; "
            f"{POSTGRES_SCHEMA} is for the current list"
        )
    manifest = _manifest(home)
    entries = {name: entry for name, entry in manifest["tables"].items() if target.with_names or name != NAMES}
    tables = {name: postgres_schema.of_manifest(name, entry) for name, entry in entries.items()}
    rows = {name: entry["rows"] for name, entry in entries.items()}
    with _mart(home, manifest, target.with_names) as mart, postgres.connected(address) as connection:
        publication = _Publication(connection, mart, manifest, target, tables, rows, progress)
        with connection.transaction():
            changed = publication.make()
        remarks = publication.tidy() if changed else []
        if changed and not all(table.keys for table in tables.values()):
            remarks.append("the build does not name its keys, so the tables have none: the next refresh will name them")
        where = postgres.place(connection)
    return Copied(where, target.schema, manifest["build_id"], manifest["list_date"], rows, changed, remarks)


def _manifest(home: Home) -> dict[str, Any]:
    faults = current_build.faults(home)
    manifest = None if faults else current_build.read_manifest(home)
    if faults:
        raise HarmrankError(advice(home, faults[0]))
    if manifest is None:
        raise UsageError(f"nothing has been published in {home.root}: run {home.refresh_command}")
    return manifest


@contextmanager
def _mart(home: Home, manifest: dict[str, Any], with_names: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """The DuckDB files of this build, not through `current`, which may be switched in the meantime."""
    build = home.published / manifest["build_id"]
    path = build / MART_FILE
    if with_names and not may_read_names(build):
        raise HarmrankError(f"{NAMES_ARE_CLOSED}: leave out --operational")
    try:
        with duck.open_database(path, read_only=True) as connection:
            if with_names:
                path = build / NAMES_FILE
                connection.execute(f"attach {text(str(path))} as {OPERATIONAL} (read_only)")
            yield connection
    except duckdb.Error as error:
        raise system_errors.cause(error) or HarmrankError(advice(home, f"{path} is damaged")) from None


@dataclass(frozen=True)
class _Publication:
    """The copy of one build into one schema."""

    connection: Connection
    mart: duckdb.DuckDBPyConnection
    manifest: dict[str, Any]
    target: Target
    tables: dict[str, Table]
    rows: dict[str, int]
    progress: Callable[[str, int, int], None]

    def make(self) -> bool:
        """Copies the build within the open transaction. Returns whether any row was written."""
        schema = self.target.schema
        self._run(sql.SQL("set local lock_timeout = {}").format(sql.Literal(f"{postgres.LOCK_TIMEOUT_SECONDS}s")))
        if not self._ask("select pg_try_advisory_xact_lock(hashtext('harmrank'), hashtext(%s))", schema)[0]:
            raise postgres.busy(schema)
        there = self._ask("select to_regnamespace(quote_ident(%s)) is not null", schema)[0]
        found = postgres_schema.contents(self.connection, schema)
        self._refuse_foreign(found)
        changed = not self._holds_this_build(found)
        if changed:
            if not there:
                self._run(sql.SQL("create schema {}").format(sql.Identifier(schema)))
            self._write(found)
        self._grant()
        return changed

    def tidy(self) -> list[str]:
        """Frees the space of the deleted rows, after the transaction; no reader waits for it. Returns remarks."""
        names = sql.SQL(", ").join(sql.Identifier(self.target.schema, name) for name in self.tables)
        try:
            self._run(sql.SQL("vacuum (analyze, truncate false) {}").format(names))
        except psycopg.Error:
            return ["the space of the previous list could not be freed now: PostgreSQL will free it later"]
        return []

    def _refuse_foreign(self, found: Found) -> None:
        schema = self.target.schema
        mine = found.tables.get(RECORD)
        if mine is None or {column.name for column in mine.columns} != {column.name for column in _RECORD.columns}:
            if found.tables or found.others:
                raise HarmrankError(
                    f"harmrank did not make the schema {schema}, and it holds tables: name another or an empty one "
                    "(--schema)"
                )
            return
        in_the_way = sorted(found.others & self.tables.keys())
        in_the_way += sorted((found.tables.keys() & self.tables.keys()) - set(self._recorded()))
        if in_the_way:
            raise HarmrankError(
                f"harmrank did not make {schema}.{in_the_way[0]} and needs its name: rename it, then publish again"
            )

    def _recorded(self) -> list[str]:
        """The tables that harmrank has made in this schema."""
        row = self._ask(sql.SQL("select tables from {}").format(self._table(RECORD)))
        return list(row[0]) if row else []

    def _holds_this_build(self, found: Found) -> bool:
        """Whether the schema holds this build completely, with names only if asked for."""
        if RECORD not in found.tables:
            return False
        row = self._ask(sql.SQL("select build_id, sha256, tables from {}").format(self._table(RECORD)))
        if row != (self.manifest["build_id"], self.manifest["duckdb_file"]["sha256"], sorted(self.tables)):
            return False
        return all(name in found.tables and self._count(name) == rows for name, rows in self.rows.items())

    def _write(self, found: Found) -> None:
        if RECORD in found.tables:
            self._drop_old_tables(found)
        for place, (name, table) in enumerate(self.tables.items(), start=1):
            self._fill(table, found)
            self.progress(name, place, len(self.tables))
        self._make_table(_RECORD, found)
        self._run(
            sql.SQL("insert into {} values (%s, %s, %s, %s, %s)").format(self._table(RECORD)),
            self.manifest["build_id"],
            self.manifest["duckdb_file"]["sha256"],
            self.target.with_names,
            sorted(self.tables),
            datetime.now(UTC),
        )
        for statement in postgres_schema.add_keys(self.target.schema, found.tables.get(RECORD), _RECORD):
            self._run(statement)
        known_at = self.manifest.get("known_at")
        as_known = f" as it was known on {known_at}" if known_at else ""
        comment = f"harmrank: the list for {self.manifest['list_date']}{as_known}, build {self.manifest['build_id']}"
        self._run(
            sql.SQL("comment on schema {} is {}").format(sql.Identifier(self.target.schema), sql.Literal(comment))
        )

    def _drop_old_tables(self, found: Found) -> None:
        """Drops tables of an earlier build that this copy does not have, such as names that are no longer asked for."""
        for name in self._recorded():
            if name not in self.tables and name in found.tables:
                self._run(sql.SQL("drop table {}").format(self._table(name)))

    def _make_table(self, table: Table, found: Found) -> None:
        """Makes sure that the table exists, is empty, and has the right columns and comments."""
        schema, before = self.target.schema, found.tables.get(table.name)
        if before is None:
            self._run(postgres_schema.create(schema, table))
            if table.name == NAMES:
                self._close_names()
        else:
            self._run(sql.SQL("delete from {}").format(self._table(table.name)))
            for statement in postgres_schema.alter(schema, before, table, found.constraints.get(table.name, [])):
                self._run(statement)
        for statement in postgres_schema.comment(schema, before, table):
            self._run(statement)

    def _close_names(self) -> None:
        """Revokes what the default privileges of the schema or the database have granted on the table of names."""
        query = """
            select distinct coalesce(pg_roles.rolname, '')
            from pg_class cross join aclexplode(pg_class.relacl) as privilege
            left join pg_roles on pg_roles.oid = privilege.grantee
            where pg_class.oid = to_regclass(%s) and privilege.grantee <> pg_class.relowner
        """
        table = self._table(NAMES)
        for (role,) in self.connection.execute(query, [table.as_string(self.connection)]).fetchall():
            grantee = sql.Identifier(role) if role else sql.SQL("public")
            self._run(sql.SQL("revoke all on {} from {}").format(table, grantee))

    def _fill(self, table: Table, found: Found) -> None:
        self._make_table(table, found)
        names = [column.name for column in table.columns]
        schema = f"{OPERATIONAL}.mart" if table.name == NAMES else "mart"
        rows = self.mart.execute(f"select {', '.join(map(identifier, names))} from {schema}.{identifier(table.name)}")
        into = sql.SQL("copy {} ({}) from stdin (format binary)").format(
            self._table(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with self.connection.cursor() as cursor, cursor.copy(into) as copy:
            copy.set_types([column.type for column in table.columns])
            while batch := rows.fetchmany(_ROWS_AT_ONCE):
                for row in batch:
                    copy.write_row(row)
        for statement in postgres_schema.add_keys(self.target.schema, found.tables.get(table.name), table):
            self._run(statement)
        if self._count(table.name) != self.rows[table.name]:
            raise HarmrankError(
                f"{table.name} does not have the number of rows that the manifest says: nothing was published"
            )

    def _grant(self) -> None:
        """Lets the roles read; only operational readers get names. Earlier grants stay."""
        open_to_all = [self._table(name) for name in (*self.tables, RECORD) if name != NAMES]
        for roles, tables in (
            ((*self.target.readers, *self.target.operational_readers), open_to_all),
            (self.target.operational_readers, [self._table(NAMES)]),
        ):
            for role in dict.fromkeys(roles):
                grants = (
                    sql.SQL("grant usage on schema {}").format(sql.Identifier(self.target.schema)),
                    sql.SQL("grant select on {}").format(sql.SQL(", ").join(tables)),
                )
                for grant in grants:
                    self._run(grant + sql.SQL(" to {}").format(sql.Identifier(role)))

    def _table(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.target.schema, name)

    def _count(self, name: str) -> int:
        return int(self._ask(sql.SQL("select count(*) from {}").format(self._table(name)))[0])

    def _run(self, statement: sql.Composed, *values: Any) -> None:
        self.connection.execute(statement, values or None)

    def _ask(self, query: sql.Composed | LiteralString, *values: Any) -> tuple[Any, ...]:
        """The first row of the answer; an empty tuple if there is none."""
        statement = query if isinstance(query, sql.Composed) else sql.SQL(query)
        return self.connection.execute(statement, values or None).fetchone() or ()
