"""Apache Spark as the engine of a home: its session, and the ledgers it gets before a build.

Spark's raw tables hold the rows of extracts. The ledgers (extracts, files, quarantine, checks, requests, published lists:
some thousand rows) stay in the DuckDB warehouse of the home, with its lock and transactions, and are copied to Spark before
each build. Needs the extra `harmrank[spark]` and Java 17.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import yaml

from harmrank.building.project import project_root
from harmrank.contract import TABLES, Kind, Table
from harmrank.errors import UsageError
from harmrank.home.folder import Home
from harmrank.home.ledger import MODELS_READ
from harmrank.home.warehouse import stored_name
from harmrank.landing.files import typing_sql
from harmrank.landing.files.typing_sql import Dialect
from harmrank.limits import MAX_VALUE
from harmrank.text import quoting

TARGET = "spark"
"""The target of the profile."""

_OWNER_ONLY = 0o700
_TYPES = {Kind.TIMESTAMP: "TIMESTAMP_NTZ", Kind.INTEGER: "INT", Kind.DATE: "DATE", Kind.FLAG: "BOOLEAN"}


def text(value: str) -> str:
    """Returns a quoted string literal with its escapes escaped."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _matches(value: str, pattern: str) -> str:
    # Java's `$` matches before a line end, too.
    whole = text(rf"\A({pattern})\z")
    return f"rlike({value}, {whole})"


DIALECT = Dialect(
    text=text,
    timestamp="TIMESTAMP_NTZ",
    matches=_matches,
    trimmed=lambda value, characters: f"trim(BOTH {characters} FROM {value})",
    fits=lambda value: f"length({value}) <= {MAX_VALUE}",
    local=lambda moment, zone: f"convert_timezone('UTC', {text(zone)}, {moment})",
)


def address(path: Path) -> str:
    """Returns a path as a URL for Spark, with the characters escaped that it would expand."""
    expanded = "*?[]{}\\"
    return "file://" + "".join("\\" + sign if sign in expanded else sign for sign in str(path.resolve()))


class Session:
    """The session of a home. It starts on first use, which takes seconds, and lasts as long as the process."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @cached_property
    def session(self) -> Any:
        """The SparkSession, with all raw tables of the contract. Raises UsageError if Spark or Java is missing."""
        refuse_without_spark()
        keep_ansi_mode()
        # It would print every failed statement with its rows.
        logging.getLogger("SQLQueryContextLogger").disabled = True
        self._home.spark.mkdir(mode=_OWNER_ONLY, exist_ok=True)
        # A dead process may have left personal data. Only the holder of the home's lock gets here, so this is safe.
        shutil.rmtree(self._home.spark / "scratch", ignore_errors=True)
        (self._home.spark / "scratch").mkdir(mode=_OWNER_ONLY)
        moved = _take_out_where_moved(self._home)
        session = _started(self._home)
        session.sql("CREATE SCHEMA IF NOT EXISTS raw")
        for table in TABLES.values():
            session.sql(_raw_table(table))
        if moved:
            _put_back(self._home, session, moved)
        self._home.spark_place.write_text(_place(self._home), encoding="utf-8")
        return session

    @property
    def has_built(self) -> bool:
        """Whether a build has made its tables."""
        return bool(self.session.catalog.tableExists("mart.build_info"))

    def hand_over(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Copies the ledgers of the warehouse to Spark, and drops rows of extracts that never finished landing."""
        landed = {str(found) for (found,) in connection.execute("SELECT extract_id FROM raw.extracts").fetchall()}
        for table in TABLES:
            for partition in self.session.sql(f"SHOW PARTITIONS raw.{table}").collect():
                extract_id = str(partition[0]).partition("=")[2]
                if extract_id not in landed:
                    self.drop(table, extract_id)
        folder = self._home.spark / "scratch" / "ledgers"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=_OWNER_ONLY)
        for table in _ledgers():
            file = folder / f"{table}.parquet"
            connection.execute(f"COPY raw.{table} TO {quoting.text(str(file))} (FORMAT parquet)")
            self.session.read.parquet(address(file)).write.mode("overwrite").saveAsTable(f"raw.{table}")
        shutil.rmtree(folder)

    def take_back(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Copies into the warehouse the models that harmrank reads there."""
        connection.execute("CREATE SCHEMA IF NOT EXISTS intermediate")
        for table in MODELS_READ:
            connection.execute(
                f"CREATE OR REPLACE TABLE intermediate.{table} AS FROM {self.relation('intermediate', table)}"
            )

    def relation(self, schema: str, table: str) -> str:
        """Returns a FROM clause by which DuckDB reads a table of a build."""
        files = [unquote(urlsplit(file).path) for file in self.session.table(f"{schema}.{table}").inputFiles()]
        return f"read_parquet([{', '.join(quoting.text(typing_sql.glob_escaped(file)) for file in sorted(files))}])"

    def drop(self, table: str, extract_id: str) -> None:
        """Drops the rows of an extract from a raw table."""
        self.session.sql(f"ALTER TABLE raw.{table} DROP IF EXISTS PARTITION (extract_id = {text(extract_id)})")


def _place(home: Home) -> str:
    return str(home.spark.resolve())


def _take_out_where_moved(home: Home) -> Path | None:
    """If the home was moved or copied: moves the rows of its extracts aside, forgets every table, and returns their folder.

    Spark knows tables by absolute paths: the tables of a copy would be read, and dropped, in the original. If interrupted,
    the next call continues.
    """
    place, aside = home.spark_place, home.spark / "moved"
    if not place.exists() or place.read_text(encoding="utf-8") == _place(home):
        return None
    aside.mkdir(mode=_OWNER_ONLY, exist_ok=True)
    for table in TABLES:
        rows = home.spark / "warehouse" / "raw.db" / table
        if rows.is_dir() and not (aside / table).exists():
            rows.rename(aside / table)
    for name in ("metastore", "warehouse"):
        shutil.rmtree(home.spark / name, ignore_errors=True)
    return aside


def _put_back(home: Home, session: Any, aside: Path) -> None:
    for folder in sorted(aside.iterdir()):
        for partition in folder.glob("extract_id=*"):
            partition.rename(home.spark / "warehouse" / "raw.db" / folder.name / partition.name)
        session.sql(f"MSCK REPAIR TABLE raw.{folder.name}")
    shutil.rmtree(aside)


def keep_ansi_mode() -> None:
    """Keeps ANSI mode on, which dbt's adapter switches off: without it, a failed cast silently becomes null."""
    from dbt.adapters.spark.connections import SparkCredentials

    made = SparkCredentials.__post_init__
    if made.__name__ == "with_ansi_mode":
        return

    def with_ansi_mode(self: Any) -> None:
        made(self)
        self.server_side_parameters["spark.sql.ansi.enabled"] = "true"

    SparkCredentials.__post_init__ = with_ansi_mode


def refuse_without_ansi_mode() -> None:
    """Raises RuntimeError if the session runs without ANSI mode."""
    from pyspark.sql import SparkSession

    if SparkSession.active().conf.get("spark.sql.ansi.enabled") != "true":
        raise RuntimeError(
            "Spark runs without ANSI mode: this version of dbt-spark does not set it in SparkCredentials"
        )


def refuse_without_spark() -> None:
    """Raises UsageError, with what to install, if Spark or Java is missing."""
    if importlib.util.find_spec("pyspark") is None or importlib.util.find_spec("dbt.adapters.spark") is None:
        raise UsageError("Apache Spark is not installed here: pip install 'harmrank[spark]', or make spark-env")
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise UsageError(
            "Apache Spark needs Java 17 and there is no java: on Debian, apt-get install openjdk-17-jre-headless"
        )


def _started(home: Home) -> Any:
    """The session with the settings of dbt's profile; dbt uses the running session."""
    import jinja2

    with warnings.catch_warnings():
        # They concern parts of pandas that are not used here.
        warnings.simplefilter("ignore", FutureWarning)
        from pyspark.sql import SparkSession

    os.environ["HARMRANK_HOME"] = str(home.work_folder.resolve())
    profile = yaml.safe_load((project_root() / "profiles" / "profiles.yml").read_text(encoding="utf-8"))
    settings = profile["harmrank"]["outputs"][TARGET]["server_side_parameters"]
    jinja = jinja2.Environment(autoescape=False)  # noqa: S701 - fills in settings of our own profile, not a page
    builder = SparkSession.builder.enableHiveSupport()
    for name, template in settings.items():
        builder = builder.config(name, jinja.from_string(str(template)).render(env_var=os.environ.get))
    return builder.getOrCreate()


def _raw_table(table: Table) -> str:
    columns = [f"{stored_name(column)} {_TYPES.get(column.kind, 'STRING')}" for column in table.columns]
    columns += ["row_number BIGINT", "extract_id STRING"]
    return (
        f"CREATE TABLE IF NOT EXISTS raw.{table.name} ({', '.join(columns)}) USING parquet PARTITIONED BY (extract_id)"
    )


def _ledgers() -> list[str]:
    """The raw tables that models read, except those with the rows of extracts."""
    sources = yaml.safe_load((project_root() / "models" / "staging" / "sources.yml").read_text(encoding="utf-8"))
    tables = [table["name"] for source in sources["sources"] if source["name"] == "raw" for table in source["tables"]]
    return [table for table in tables if table not in TABLES]
