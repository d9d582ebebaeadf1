"""`harmrank publish` copies the current list into a real PostgreSQL server, completely or not at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from conftest import REPOSITORY, SMALL_FEED, Command, PublishedHome, write_extract
from psycopg import errors, sql
from support import postgres_server
from support.postgres_server import PASSWORD, Server

from harmrank.errors import HarmrankError
from harmrank.home.folder import Home
from harmrank.publishing.postgres import connection

JULY = {
    "crimes": "force,crime_ref,offence_code,reported_on,updated_at\nmet,c3,19/8,2026-07-01,2026-07-02T09:00:00\n",
    "people": "force,person_ref,forename,surname,sex,date_of_birth,updated_at\n"
    'met,p2,"Zoë ""the\tquoted"" \\N",Ünlü; drop table,M,1980-01-01,2026-07-02T09:00:00\n',
    "involvements": "force,crime_ref,person_ref,role,status,updated_at\n"
    "met,c3,p2,suspect,convicted,2026-07-02T09:00:00\nmet,c3,v1,victim,,2026-07-02T09:00:00\n",
}
TABLES = 21


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all tests here; each test has its own schema."""
    with postgres_server.running() as server:
        yield server


@pytest.fixture(scope="module")
def later(published: PublishedHome, tmp_path_factory: pytest.TempPathFactory, harmrank: Command) -> PublishedHome:
    """The home of `published` a month later: two people are listed, one with a name full of special characters."""
    root = tmp_path_factory.mktemp("later")
    shutil.copytree(published.home, root / "home", symlinks=True)
    write_extract(root / "extracts", "2026-06-30", SMALL_FEED)
    write_extract(root / "extracts", "2026-07-31", JULY)
    done = harmrank("refresh", root / "extracts", "--home", root / "home")
    assert done.returncode == 0, done.stderr
    return PublishedHome(root / "home", root / "extracts")


@pytest.fixture
def schema(request: pytest.FixtureRequest) -> str:
    """The name of the test's schema."""
    return request.node.name.removeprefix("test_")[:63].lower()


Publish = Any


@pytest.fixture
def publish(server: Server, schema: str, harmrank: Command) -> Publish:
    """Publishes a home as a user does, with the password in PGPASSWORD."""

    def run(home: PublishedHome, *arguments: str, user: str = "postgres") -> subprocess.CompletedProcess[str]:
        place = ["--postgres", server.address(user), "--home", str(home.home), "--schema", schema]
        return harmrank("publish", *place, *arguments, PGPASSWORD=PASSWORD)

    return run


def manifest(home: PublishedHome) -> dict[str, Any]:
    return json.loads((home.mart.parent / "manifest.json").read_text(encoding="utf-8"))


def rows_of(home: PublishedHome, table: str) -> list[tuple[Any, ...]]:
    file = home.names if table == "offender_people" else home.mart
    with duckdb.connect(str(file), read_only=True) as connection:
        return sorted(connection.execute(f"select * from mart.{table}").fetchall(), key=repr)


def rows_in(server: Server, schema: str, table: str) -> list[tuple[Any, ...]]:
    return sorted(server.ask(f'select * from {schema}."{table}"'), key=repr)


def dates_of_build(server: Server, schema: str) -> list[tuple[Any, ...]]:
    return server.ask(f"select list_date::text from {schema}.build_info")


def tables_in(server: Server, schema: str) -> set[str]:
    return {name for (name,) in server.ask(f"select tablename::text from pg_tables where schemaname = '{schema}'")}


def test_every_table_has_the_rows_of_the_mart(
    server: Server, schema: str, later: PublishedHome, publish: Publish
) -> None:
    """Value for value: numbers, dates, timestamps, booleans, nulls, and text that is difficult for COPY."""
    done = publish(later, "--operational", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert len(said["rows"]) == TABLES and said["changed"]
    for table, rows in said["rows"].items():
        assert rows_in(server, schema, table) == rows_of(later, table), table
        assert len(rows_of(later, table)) == rows
    assert 'Zoë "the\tquoted" \\N' in {row[3] for row in rows_in(server, schema, "offender_people")}


def test_types_keys_and_comments_are_those_of_the_mart(
    server: Server, schema: str, published: PublishedHome, publish: Publish
) -> None:
    """A BI tool reads the description, the type and the key of a column."""
    assert publish(published).returncode == 0
    kinds = {"VARCHAR": "text", "DOUBLE": "double precision", "TIMESTAMP": "timestamp without time zone"}
    columns = server.ask(
        "select table_name::text, column_name::text, data_type::text, is_nullable::text, "
        "col_description((quote_ident(table_schema) || '.' || quote_ident(table_name))::regclass, ordinal_position) "
        f"from information_schema.columns where table_schema = '{schema}' and table_name <> 'harmrank_publication'"
    )
    expected = [
        (
            name,
            column["name"],
            kinds.get(column["type"], column["type"].lower()),
            "YES" if column["nullable"] else "NO",
            column["description"],
        )
        for name, table in manifest(published)["tables"].items()
        for column in table["columns"]
        if name != "offender_people"
    ]
    assert sorted(columns, key=repr) == sorted(expected, key=repr)
    keys = server.ask(
        "select conrelid::regclass::text, contype::text, pg_get_constraintdef(oid) from pg_constraint "
        f"where connamespace = '{schema}'::regnamespace and contype in ('p', 'u') order by 1, 2"
    )
    assert (f"{schema}.top_100", "p", "PRIMARY KEY (harm_rank)") in keys
    assert (f"{schema}.top_100", "u", "UNIQUE (offender_key)") in keys
    assert (f"{schema}.data_defects", "p", "PRIMARY KEY (extract_id, table_name, column_name, reason)") in keys
    assert {key[0].split(".")[1] for key in keys if key[1] == "p"} == tables_in(server, schema)
    ((comment,),) = server.ask(f"select obj_description('{schema}.top_100'::regclass)")
    assert comment == manifest(published)["tables"]["top_100"]["description"]


def test_the_same_build_again_changes_nothing_and_says_so(
    server: Server, schema: str, published: PublishedHome, publish: Publish
) -> None:
    """A scheduler may publish as often as it likes; a table that lost its rows is filled again."""
    versions = (
        f"select distinct xmin::text from {schema}.offender_harm union select xmin::text from {schema}.build_info"
    )
    assert publish(published).returncode == 0
    before = server.ask(versions)
    again = publish(published)
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr.startswith("nothing new: ")
    assert server.ask(versions) == before
    server.ask(f"delete from {schema}.offender_harm")
    assert publish(published).stderr.splitlines()[-1].startswith("published the list for 2026-06-30")
    assert rows_in(server, schema, "offender_harm") == rows_of(published, "offender_harm")


def test_a_reader_sees_one_build_and_waits_for_nobody(
    server: Server, schema: str, published: PublishedHome, later: PublishedHome, publish: Publish
) -> None:
    """A reader during a publication gets one complete list at once, and waits for no lock."""
    assert publish(published).returncode == 0
    question = (
        f"select (select build_id from {schema}.build_info), (select count(*) from {schema}.offender_harm), "
        f"(select sum(harm_days) from {schema}.top_100_evidence), (select build_id from {schema}.harmrank_publication)"
    )
    stop, seen, failures = threading.Event(), set(), []

    def read() -> None:
        try:
            with server.connect() as connection:
                connection.execute("set lock_timeout = '1ms'")
                while not stop.is_set():
                    seen.add(connection.execute(question.encode()).fetchone())
        except psycopg.Error as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for home in (later, published, later, published):
            done = publish(home)
            assert done.returncode == 0, done.stderr
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert failures == []
    builds = {home: manifest(home)["build_id"] for home in (published, later)}
    assert seen == {(builds[published], 1, 1835.0, builds[published]), (builds[later], 2, 3660.0, builds[later])}


def test_a_reader_with_an_open_transaction_keeps_its_list_and_delays_nobody(
    server: Server, schema: str, published: PublishedHome, later: PublishedHome, publish: Publish
) -> None:
    """A BI tool that leaves a transaction open neither stops the publication nor sees its list change."""
    assert publish(published).returncode == 0
    query = f"select list_date::text from {schema}.build_info".encode()
    with server.connect(autocommit=False) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        assert reader.execute(query).fetchall() == [("2026-06-30",)]
        assert publish(later).returncode == 0
        assert reader.execute(query).fetchall() == [("2026-06-30",)]
        reader.rollback()
        assert reader.execute(query).fetchall() == [("2026-07-31",)]


def test_views_and_grants_on_the_tables_stay(
    server: Server, schema: str, published: PublishedHome, later: PublishedHome, publish: Publish
) -> None:
    """What a BI user built on the list still works with the next one."""
    assert publish(published).returncode == 0
    server.ask(f"create view public.of_{schema[:50]} as select offender_key from {schema}.top_100")
    server.ask(f"create role viewer_stays; grant usage on schema {schema} to viewer_stays")
    server.ask(f"grant select on {schema}.top_100 to viewer_stays")
    assert publish(later).returncode == 0
    assert server.ask(f"select * from public.of_{schema[:50]} order by 1") == [("met|p1",), ("met|p2",)]
    assert server.ask(f"select has_table_privilege('viewer_stays', '{schema}.top_100', 'select')") == [(True,)]


@contextmanager
def stopped_in_the_middle(server: Server, schema: str, home: PublishedHome) -> Iterator[subprocess.Popen[str]]:
    """A publication that has copied half of the tables and waits for a lock until the block ends."""
    command = [sys.executable, "-m", "harmrank", "publish", "--postgres", server.address(), "--schema", schema]
    waiting = (
        "select count(*) from pg_locks inner join pg_class on pg_class.oid = relation "
        f"where not granted and relname = 'top_100' and relnamespace = '{schema}'::regnamespace"
    )
    with server.connect(autocommit=False) as holder:
        holder.execute(f"lock table {schema}.top_100 in share mode".encode())
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        publisher = subprocess.Popen(
            [*command, "--home", str(home.home)], cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True
        )
        while server.ask(waiting) == [(0,)]:
            assert publisher.poll() is None
            time.sleep(0.02)
        yield publisher


def test_a_kill_in_the_middle_leaves_the_last_list(
    server: Server, schema: str, published: PublishedHome, later: PublishedHome, publish: Publish
) -> None:
    """The process dies with half of the new list copied: nobody sees it, and the next publication works."""
    assert publish(published).returncode == 0
    with stopped_in_the_middle(server, schema, later) as publisher:
        publisher.send_signal(signal.SIGKILL)
        assert publisher.wait() == -signal.SIGKILL
        assert dates_of_build(server, schema) == [("2026-06-30",)]
    assert rows_in(server, schema, "offender_harm") == rows_of(published, "offender_harm")
    # The server notices that its client is gone when it next sends something.
    while server.ask("select count(*) from pg_stat_activity where application_name = 'harmrank'") != [(0,)]:
        time.sleep(0.02)
    assert dates_of_build(server, schema) == [("2026-06-30",)]
    assert publish(later).returncode == 0
    assert dates_of_build(server, schema) == [("2026-07-31",)]


def test_a_connection_lost_in_the_middle_is_one_line(
    server: Server, schema: str, published: PublishedHome, later: PublishedHome, publish: Publish
) -> None:
    """The server restarts, or its administrator ends the session: the last list stays, and the command says so."""
    assert publish(published).returncode == 0
    with stopped_in_the_middle(server, schema, later) as publisher:
        server.ask("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'harmrank'")
        _, said = publisher.communicate()
    assert publisher.returncode == 1
    assert said.splitlines()[-1] == (
        "harmrank: the connection to PostgreSQL was lost: try again. What was published there before is still current."
    )
    assert dates_of_build(server, schema) == [("2026-06-30",)]


def test_a_second_publication_at_the_same_time_is_refused(
    server: Server, schema: str, published: PublishedHome, publish: Publish
) -> None:
    """Exit code 5, as for a home that is in use: a scheduler tries again."""
    with server.connect(autocommit=False) as other:
        other.execute("select pg_advisory_xact_lock(hashtext('harmrank'), hashtext(%s))", [schema])
        done = publish(published)
    assert (done.returncode, done.stderr) == (
        5,
        f"harmrank: another harmrank is publishing into {schema}: wait until it has finished.\n",
    )


def test_a_schema_that_harmrank_did_not_make_is_refused(
    server: Server, schema: str, published: PublishedHome, publish: Publish
) -> None:
    """No row in it is touched; an empty schema that an administrator made is taken."""
    server.ask(f"create schema {schema}")
    server.ask(f"create table {schema}.top_100 as select 1 as theirs")
    done = publish(published)
    assert done.returncode == 1
    assert f"harmrank did not make the schema {schema}" in done.stderr and done.stderr.count("\n") == 1
    assert server.ask(f"select * from {schema}.top_100") == [(1,)]
    server.ask(f"drop table {schema}.top_100")
    assert publish(published).returncode == 0
    assert tables_in(server, schema) >= {"top_100", "harmrank_publication"}


def test_a_table_that_harmrank_did_not_make_is_not_overwritten(
    server: Server, schema: str, published: PublishedHome, publish: Publish
) -> None:
    """In a schema of harmrank, tables of others stay; if harmrank needs the name of one, the publication is refused."""
    assert publish(published).returncode == 0
    server.ask(f"create table {schema}.notes as select 'mine' as note")
    server.ask(f"create table {schema}.offender_people as select 'mine' as note")
    done = publish(published, "--operational")
    assert done.returncode == 1
    assert f"harmrank did not make {schema}.offender_people" in done.stderr
    server.ask(f"drop table {schema}.offender_people")
    assert publish(published, "--operational").returncode == 0
    assert server.ask(f"select * from {schema}.notes") == [("mine",)]


def test_a_table_that_the_build_no_longer_has_is_dropped(
    server: Server, schema: str, published: PublishedHome, publish: Publish, tmp_path: Path
) -> None:
    """A mart that has left the project leaves the copy; somebody's view on it stops the copy, and is named."""
    assert publish(published).returncode == 0
    server.ask(f"create view {schema}.mine as select * from {schema}.rule_effect")
    shutil.copytree(published.home, tmp_path / "home", symlinks=True)
    later = PublishedHome(tmp_path / "home", published.extracts)
    said = manifest(later)
    del said["tables"]["rule_effect"]
    (later.mart.parent / "manifest.json").write_text(json.dumps(said), encoding="utf-8")
    done = publish(later)
    assert done.returncode == 1 and "cannot drop table" in done.stderr, done.stderr
    assert "drop the view that needs it, publish again" in done.stderr
    assert "rule_effect" in tables_in(server, schema)
    server.ask(f"drop view {schema}.mine")
    assert publish(later).returncode == 0
    assert "rule_effect" not in tables_in(server, schema) and "top_100" in tables_in(server, schema)


def test_names_are_copied_only_if_asked_for(
    server: Server, schema: str, published: PublishedHome, publish: Publish
) -> None:
    """Without --operational no name reaches the server. With it, only operational readers see names. Without it again,
    they are gone."""
    server.ask("create role names_no; create role names_yes")
    assert publish(published).returncode == 0
    assert "offender_people" not in tables_in(server, schema)
    with server.connect() as connection:
        for table in tables_in(server, schema):
            query = sql.SQL("select count(*) from {} as t where t::text ~ 'Mann|Invented'")
            assert connection.execute(query.format(sql.Identifier(schema, table))).fetchone() == (0,), table
    roles = ("--operational", "--grant", "names_no", "--grant-operational", "names_yes")
    assert publish(published, *roles).returncode == 0
    assert len(rows_in(server, schema, "offender_people")) == 1
    may = "select has_table_privilege('{}', '{}.{}', 'select')"
    for role, sees_names in (("names_no", False), ("names_yes", True)):
        assert server.ask(may.format(role, schema, "top_100")) == [(True,)]
        assert server.ask(may.format(role, schema, "harmrank_publication")) == [(True,)]
        assert server.ask(may.format(role, schema, "offender_people")) == [(sees_names,)]
    assert publish(published).returncode == 0
    assert "offender_people" not in tables_in(server, schema)


def test_default_privileges_do_not_open_the_table_of_names(
    server: Server, schema: str, published: PublishedHome, publish: Publish
) -> None:
    """Neither those for readers of the database nor those for everybody."""
    server.ask(f"create role open_by_default; create schema {schema}")
    server.ask(f"alter default privileges in schema {schema} grant select on tables to open_by_default, public")
    assert publish(published, "--operational").returncode == 0
    may = "select has_table_privilege('open_by_default', '{}.{}', 'select')"
    assert server.ask(may.format(schema, "top_100")) == [(True,)]
    assert server.ask(may.format(schema, "offender_people")) == [(False,)]


@pytest.mark.thorough
def test_a_list_as_it_was_known_does_not_replace_the_current_one(
    server: Server, schema: str, published: PublishedHome, publish: Publish, harmrank: Command, tmp_path: Path
) -> None:
    """The default schema is refused; a schema of its own is taken, and its comment says which list it holds."""
    shutil.copytree(published.home, tmp_path / "home", symlinks=True)
    done = harmrank("refresh", published.extracts, "--home", tmp_path / "home", "--known-at", "2026-06-30")
    assert done.returncode == 0, done.stderr
    past = tmp_path / "home" / "known-at" / "2026-06-30"
    done = harmrank("publish", "--postgres", server.address(), "--home", past, PGPASSWORD=PASSWORD)
    assert done.returncode == 2 and "as it was known on 2026-06-30: name a schema of its own" in done.stderr
    done = publish(PublishedHome(past, published.extracts))
    assert done.returncode == 0, done.stderr
    (said,) = server.ask(f"select obj_description('{schema}'::regnamespace)")[0]
    assert "for 2026-06-30 as it was known on 2026-06-30, build" in said


def test_a_timeout_of_the_server_is_not_reported_as_a_lost_connection(
    server: Server, schema: str, published: PublishedHome, publish: Publish
) -> None:
    """The message says that the server cancelled the statement."""
    server.ask(
        f"create role hurried login superuser password '{PASSWORD}'; alter role hurried set statement_timeout = 1"
    )
    done = publish(published, user="hurried")
    assert done.returncode == 1 and "canceling statement due to statement timeout" in done.stderr, done.stderr


def test_a_schema_of_an_older_harmrank_gets_the_columns_of_this_one(
    server: Server, schema: str, published: PublishedHome, later: PublishedHome, publish: Publish
) -> None:
    """A missing or extra column, another type, other keys, no comment: the next build changes them, and views stay."""
    assert publish(published).returncode == 0
    server.ask(f"create view {schema}.mine as select offender_key, harm_days from {schema}.offender_harm")
    for change in (
        "drop column is_tied",
        "add column of_old integer not null default 1",
        "alter column allegations type bigint",
        "alter column is_listed drop not null",
        "drop constraint offender_harm_pkey",
    ):
        server.ask(f"alter table {schema}.offender_harm {change}")
    server.ask(f"comment on table {schema}.offender_harm is null")
    assert publish(later).returncode == 0
    names = [column["name"] for column in manifest(later)["tables"]["offender_harm"]["columns"]]
    found = server.ask(f"select {', '.join(names)} from {schema}.offender_harm")
    assert sorted(found, key=repr) == rows_of(later, "offender_harm")
    shape = server.ask(
        "select attname::text, format_type(atttypid, atttypmod), attnotnull from pg_attribute "
        f"where attrelid = '{schema}.offender_harm'::regclass and attnum > 0 and not attisdropped"
    )
    assert {("allegations", "integer", True), ("is_listed", "boolean", True), ("is_tied", "boolean", True)} <= set(
        shape
    )
    assert {name for name, *_ in shape} == set(names)
    ((comment, keys),) = server.ask(
        f"select obj_description('{schema}.offender_harm'::regclass), "
        f"(select count(*) from pg_constraint where conrelid = '{schema}.offender_harm'::regclass and contype = 'p')"
    )
    assert comment and keys == 1
    assert server.ask(f"select count(*) from {schema}.mine") == [(2,)]


def test_a_view_on_an_old_column_is_named(
    server: Server, schema: str, published: PublishedHome, later: PublishedHome, publish: Publish
) -> None:
    """A view of somebody else is never dropped: the publication names it, and the last list stays."""
    assert publish(published).returncode == 0
    server.ask(f"alter table {schema}.offender_harm add column of_old integer")
    server.ask(f"create view {schema}.mine as select of_old from {schema}.offender_harm")
    done = publish(later)
    assert done.returncode == 1
    said = done.stderr.splitlines()[-1]
    assert said.startswith("harmrank: PostgreSQL says: cannot drop column of_old of table")
    assert "drop the view that needs it, publish again" in said
    assert dates_of_build(server, schema) == [("2026-06-30",)]


def test_missing_rights_are_named(server: Server, schema: str, published: PublishedHome, publish: Publish) -> None:
    """The user may not create a schema; in a schema of its own the publication works."""
    server.ask(f"create role no_rights login password '{PASSWORD}'")
    done = publish(published, user="no_rights")
    assert done.returncode == 1
    assert "PostgreSQL says: permission denied for database postgres." in done.stderr
    assert done.stderr.count("\n") == 1
    server.ask(f"create schema {schema} authorization no_rights")
    assert publish(published, user="no_rights").returncode == 0


@pytest.mark.parametrize(
    ("address", "code", "message"),
    [
        ("postgresql://postgres:hunter2@127.0.0.1:{port}/postgres", 1, 'authentication failed for user "postgres"'),
        ("postgresql://postgres:hunter2@127.0.0.1:{port}/none", 1, 'authentication failed for user "postgres"'),
        ("postgresql://postgres:some@hunter2@nowhere.invalid/db", 1, "no connection to db at nowhere.invalid"),
        ("postgresql://postgres:hunter2@127.0.0.1:1/db", 1, "no connection to db at 127.0.0.1"),
        ("postgresql://postgres:hunter2/x@127.0.0.1/db", 1, "no connection to 127.0.0.1/db at postgres"),
        ("postgresql://postgres:hunter2@127.0.0.1:{port}/db?hunter2=1", 2, "this is no address of a database"),
        ("postgresql://postgres:hunter2@[nowhere/db", 2, "this is no address of a database"),
        ("hunter2", 2, "this is no address of a database"),
        ("service=hunter2 password=hunter2", 1, 'definition of service "***" not found'),
    ],
)
def test_a_wrong_address_gives_one_line_without_its_password(
    server: Server, published: PublishedHome, harmrank: Command, address: str, code: int, message: str
) -> None:
    """A mistyped address holds the password, too: no part of it is printed, not even with --debug."""
    place = address.format(port=server.port)
    done = harmrank("publish", "--postgres", place, "--home", published.home)
    assert done.returncode == code
    assert message in done.stderr and done.stderr.count("\n") == 1
    debug = harmrank("publish", "--debug", "--postgres", place, "--home", published.home)
    assert "hunter2" not in done.stderr + done.stdout + debug.stderr + debug.stdout


def test_the_digits_before_a_slash_in_a_password_are_not_printed() -> None:
    """libpq takes them for a port, and quotes a port that cannot be one."""
    address = "postgresql://localhost:471112345/x@127.0.0.1/db"
    with pytest.raises(HarmrankError, match="invalid port number") as raised, connection.connected(address):
        pass
    assert "471112345" not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.OperationalError("consuming input failed"), "the connection to PostgreSQL was lost"),
        (psycopg.DataError("text cannot contain NUL: Jane Doe"), "PostgreSQL refused a value (DataError)"),
        (errors.RaiseException("a trigger refuses Jane Doe"), "PostgreSQL refused a value (RaiseException)"),
    ],
)
def test_an_error_of_the_driver_or_of_a_trigger_prints_no_value(error: psycopg.Error, expected: str) -> None:
    """Neither is a lost connection, unless the driver says so."""
    message = str(connection._failed(error))
    assert expected in message and "Jane" not in message


def test_the_password_comes_from_where_libpq_looks_for_it(
    server: Server, schema: str, published: PublishedHome, harmrank: Command, tmp_path: Path
) -> None:
    """From PGPASSFILE and a service file, so that no crontab holds it; the address comes from HARMRANK_POSTGRES."""
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (tmp_path / "pgpass").write_text(f"127.0.0.1:{server.port}:*:postgres:{escaped}\n", encoding="utf-8")
    (tmp_path / "pgpass").chmod(0o600)
    service = f"[police]\nhost=127.0.0.1\nport={server.port}\nuser=postgres\ndbname=postgres\n"
    (tmp_path / "services").write_text(service, encoding="utf-8")
    files = {"PGPASSFILE": str(tmp_path / "pgpass"), "PGSERVICEFILE": str(tmp_path / "services")}
    arguments = ("publish", "--home", published.home, "--schema", schema)
    done = harmrank(*arguments, HARMRANK_POSTGRES="service=police", **files)
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stderr
    assert (
        harmrank(*arguments, "--postgres", "service=none", HARMRANK_POSTGRES="service=police", **files).returncode == 1
    )


def test_without_psycopg_the_command_says_what_to_install(
    published: PublishedHome, cold_harmrank: Command, tmp_path: Path
) -> None:
    """psycopg is an extra: users without PostgreSQL do not need it."""
    (tmp_path / "psycopg.py").write_text("raise ImportError('not installed')\n", encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(REPOSITORY)])
    done = cold_harmrank("publish", "--postgres", "service=x", "--home", published.home, PYTHONPATH=path)
    assert (done.returncode, done.stderr) == (
        1,
        "harmrank: publishing to PostgreSQL needs psycopg, which is not installed: pip install 'harmrank[postgres]'\n",
    )


def test_wrong_use_is_refused_before_connecting(published: PublishedHome, harmrank: Command, tmp_path: Path) -> None:
    """No list, a damaged list, a wrong schema name, grants on names that are not copied."""
    nobody = ("--postgres", "postgresql://postgres@127.0.0.1:1/db")
    Home(tmp_path / "empty").create()
    done = harmrank("publish", *nobody, "--home", tmp_path / "empty")
    assert done.returncode == 2 and "nothing has been published" in done.stderr
    shutil.copytree(published.home, tmp_path / "home", symlinks=True)
    with (tmp_path / "home" / "published" / "current" / "harm_mart.duckdb").open("ab") as file:
        file.write(b"x")
    done = harmrank("publish", *nobody, "--home", tmp_path / "home")
    assert done.returncode == 1 and "is damaged (its size has changed)" in done.stderr
    for schema in ("Harm", "pg_harm", 'x"; drop schema public', ""):
        done = harmrank("publish", *nobody, "--home", published.home, "--schema", schema)
        assert done.returncode == 2 and "cannot name a schema" in done.stderr
    done = harmrank("publish", *nobody, "--home", published.home, "--grant-operational", "x")
    assert done.returncode == 2 and "--operational" in done.stderr
