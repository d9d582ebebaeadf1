"""Extracts landed by Apache Spark: rows, quarantine, defects and refusals equal DuckDB's, value for value."""

from __future__ import annotations

import gzip
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from conftest import REPOSITORY

from harmrank.contract import TABLES
from harmrank.errors import UsageError
from harmrank.home.folder import Home
from harmrank.refreshing import engines

SPARK_PYTHON = REPOSITORY / ".venv-spark" / "bin" / "python"

CRIMES = "force,crime_ref,offence_code,reported_on,committed_from,reported_by,outcome_type,domestic_abuse,updated_at,deleted\n"
# Values that two engines may read differently, and values like them.
DAYS = [
    "2026-05-01", "2026-02-29", "2024-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "2026-13-01", "2026-5-1", "26-05-01",
    "2026-05-01T10:00", "2026-05-01 10:00:00.5Z", "2026-05-01T10", "2026-05-01x", " 2026-05-01 ", "\t2026-05-01",
    "\u00a02026-05-01\u00a0", "٢٠٢٦-٠٥-٠١", "NULL", "null", "", "-2026-05-01",
    "2026/05/01", "31-OCT-2026", "1 may 2026", "31OCT2026", "31 Feb 2026", "1 Octopus 2026", "01-05-2026", "N/A", "\\N", "na", "unknown",
    "9999-12-31 00:00:00", "2026-07-05 23:00:00+00", "2026-07-05 23:00 UTC", "2026-07-05T22:59:59.9999999 +00:00", "2026-05-01 24:00",
]  # fmt: skip
MOMENTS = [
    "2026-05-02", "2026-05-02T09", "2026-05-02T09:30", "2026-05-02 09:30:15", "2026-05-02T09:30:15.1", "2026-05-02T09:30:15.123456",
    "2026-05-02T09:30:15.123456789", "2026-05-02T09:30:15.9999999", "2026-05-02T24:00:00", "2026-05-02T09:60", "2026-05-02T09:30Z",
    "2026-05-02T09:30:00+01:00", "2026-05-02T00:30-0130", "2026-05-02T09:30:00+14:59", "2026-05-02T09:30:00+15:00",
    "2026-02-30T09:30:00Z", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "2026-05-02T09:30:15.", "2026-05-02t09:30:15",
    "2026-05-02 9:30:15", "2026-05-02 09:30:15.1234567 +00:00", "2026-05-02 09:30:15 UTC", "02-MAY-2026 09:30:15 +01", "2026/05/02 09:30:15",
]  # fmt: skip
OTHERS = [
    "victim",
    "VICTIM",
    "Victim ",
    "vıctim",
    "nobody",
    "22",
    "23",
    "007",
    "-1",
    "1.0",
    "1e1",
    "Y",
    "y",
    "N",
    "yes",
    "Third-Party",
    "15.0",
    "ß" * 3,
]


def plain() -> str:
    """Returns one crime for each odd value, in a file without quotes."""
    rows = [f"met,d{n},019/08,{day},{day},,,,2026-05-02T09:00:00," for n, day in enumerate(DAYS)]
    rows += [f"met,m{n},019/08,2026-05-01,,,,,{moment}," for n, moment in enumerate(MOMENTS)]
    rows += [
        f"met,o{n},019/08,2026-05-01,,{word},{word},{word},2026-05-02T09:00:00,{word}" for n, word in enumerate(OTHERS)
    ]
    rows += ["", "met,t1,,,,,,,2026-05-02T09:00:00,Y", "me|t,b1,019/08,2026-05-01,,,,,2026-05-02T09:00:00,", "   "]
    # The longest text allowed, and one character more.
    rows += [f"met,{'x' * width},019/08,2026-05-01,,,,,2026-05-02T09:00:00," for width in (10_000, 10_001)]
    return CRIMES + "\n".join(rows) + "\n"


def quoted() -> str:
    """Returns rows with quotes, line ends in values and broken records between them."""
    return (
        "\ufeff" + CRIMES.replace("\n", "\r\n") + 'met,q1,"019/08",2026-05-01,,,,,"2026-05-02T09:00:00",\r\n'
        'met,"q\r\n2",019/08,2026-05-01,,,,,2026-05-02T09:00:00,\r\n'
        'met,"q ""3""",019/08,2026-05-01,"",,,,2026-05-02T09:00:00,"NULL"\r\n'
        'met,q4,"019/08" ,2026-05-01,,,,,2026-05-02T09:00:00,\r\n'
        'met,q5,019/08"x",2026-05-01,,,,,2026-05-02T09:00:00,\r\n'
        "met,q6,019/08,2026-05-01\r\n"
        '\r\nmet,"q7,019/08,2026-05-01,,,,,2026-05-02T09:00:00,\r\n'
        "met,\\q8,019/08,2026-05-01,,,,,2026-05-02T09:00:00,\r\n"
    )


@dataclass(frozen=True)
class Landed:
    """The result of landing on one engine: its home, the lines it reported, and the exit code."""

    home: Path
    lines: list[str]
    code: int


@pytest.fixture(scope="module")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Extracts with every odd value, good and refused ones, in each format of the contract."""
    root = tmp_path_factory.mktemp("odd [extracts] {1}")
    for name, files in {
        "2026-05-31": {"crimes_1.csv": plain(), "crimes_2.csv": quoted()},
        "2026-06-30": {"crimes.csv": CRIMES + "met,d0,019/08,2026-05-01,,,,,2026-06-02T09:00:00,\n"},
        # Larger than one of Spark's parts, so ordinals are computed over several parts.
        "2026-07-31": {"people.csv": people(180_000)},
        "2026-08-31": {"crimes.csv": CRIMES + "met,z1,,never,,,,,,\n"},
        "2026-09-30": {
            "person_merges.csv": "force,person_ref,merged_into_ref,updated_at\nmet,p1,p2,2026-09-01\nmet,p2,p1,2026-09-02\n"
        },
    }.items():
        (root / name).mkdir()
        for file, content in files.items():
            (root / name / file).write_bytes(content.encode())
    packed = root / "2026-10-31"
    packed.mkdir()
    (packed / "extract.json").write_text('{"time_zone": "Europe/London", "accept": ["most_crimes_are_of_one_force"]}')
    with gzip.open(packed / "crimes.csv.gz", "wb") as stream:
        stream.write(plain().replace("met,", "kent,").encode())
    duckdb.sql(
        f"""
        copy (
            select 'met' as force, 'c' || i as crime_ref, 'p' || (i % 7) as person_ref, 'suspect' as role,
                case when i % 3 = 0 then null else 'Charged' end as status, i % 2 = 0 as deleted,
                timestamp '2026-10-01 10:00:00.25' + i * interval 1 hour as updated_at
            from range(1000) as numbers (i)
        ) to '{packed / "involvements.parquet"}'
        """
    )
    return root


def people(number: int) -> str:
    """Returns many plain rows with one bad row near the end."""
    rows = [f"met,p{n},Inventus,M,19{n % 100:02}-01-01,2026-07-02T09:00:00" for n in range(number)]
    rows[number - 10] = "met,p_bad,Inventus,M,1990-01-01,never"
    return "force,person_ref,forename,sex,date_of_birth,updated_at\n" + "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def landed(extracts: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Landed]:
    """The same extracts landed by both engines."""
    if not SPARK_PYTHON.exists():
        pytest.skip("no .venv-spark: make spark-env sets it up")
    if shutil.which("java") is None:
        pytest.skip("Apache Spark needs Java 17, and there is no java")
    root = tmp_path_factory.mktemp("homes")
    return {
        engine: land(python, extracts, root / engine, engine)
        for engine, python in (("duckdb", Path(sys.executable)), ("spark", SPARK_PYTHON))
    }


def land(python: Path, extracts: Path, home: Path, engine: str) -> Landed:
    """Runs `harmrank land` in the environment of the engine."""
    done = subprocess.run(
        [python, "-m", "harmrank", "land", extracts, "--home", home, "--engine", engine, "--max-bad-share", "0.7"],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "HARMRANK_SPARK_PARTITIONS": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [
        line.replace(str(home), "HOME") for line in done.stderr.splitlines() if line.startswith(("Extract", "warning"))
    ]
    return Landed(home, lines, done.returncode)


@pytest.mark.thorough
def test_both_report_the_same_for_every_extract(landed: dict[str, Landed]) -> None:
    """Rows, files, lines and reasons of landed and refused extracts, and the exit code of a refused extract."""
    assert landed["duckdb"].lines == landed["spark"].lines
    assert sum("was refused" in line for line in landed["spark"].lines) == 2
    assert landed["duckdb"].code == landed["spark"].code == 3


@pytest.mark.thorough
@pytest.mark.parametrize("table", list(TABLES))
def test_every_row_lands_with_the_same_values_and_number(landed: dict[str, Landed], table: str) -> None:
    """Dates, times to the microsecond, flags, texts and row numbers."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{landed['duckdb'].home / 'warehouse.duckdb'}' as theirs (read_only)")
        columns = ", ".join(row[0] for row in connection.execute(f"describe theirs.raw.{table}").fetchall())
        one = f"(select {columns} from theirs.raw.{table})"
        folder = landed["spark"].home / "spark" / "warehouse" / "raw.db" / table
        if not list(folder.glob("*/*.parquet")):
            assert connection.execute(f"select count(*) from {one}").fetchone() == (0,)
            return
        other = (
            f"(select {columns} from read_parquet('{folder}/*/*.parquet', hive_partitioning = true, "
            "hive_types = {'extract_id': varchar}))"
        )
        known = f"(from {other} where extract_id in (select extract_id from theirs.raw.extracts))"
        for ahead, behind in ((one, known), (known, one)):
            assert connection.execute(f"from {ahead} except all from {behind}").fetchall() == []
        landed_rows = connection.execute(f"select count(*) from {one}").fetchone() or (0,)
        assert landed_rows[0] > 0 or table == "person_merges"


@pytest.mark.thorough
@pytest.mark.parametrize(
    "table",
    [
        "extract_files",
        "quarantine",
        "value_defects",
        "extract_checks",
        "corrections",
        "crime_digests",
        "person_digests",
    ],
)
def test_the_warehouse_tables_are_the_same(landed: dict[str, Landed], table: str) -> None:
    """Rows read, landed and in quarantine by file; each bad row with its line and text; the results of the checks."""
    with duckdb.connect() as connection:
        for engine, result in landed.items():
            connection.execute(f"attach '{result.home / 'warehouse.duckdb'}' as {engine}_home (read_only)")
        one, other = (f"duckdb_home.raw.{table}", f"spark_home.raw.{table}")
        for ahead, behind in ((one, other), (other, one)):
            assert connection.execute(f"from {ahead} except all from {behind}").fetchall() == []
        if table in ("extract_files", "quarantine", "value_defects"):
            assert (connection.execute(f"select count(*) from {one}").fetchone() or (0,))[0] > 0


@pytest.mark.thorough
def test_rows_of_extracts_that_did_not_land_are_dropped_before_a_build(
    landed: dict[str, Landed], tmp_path: Path
) -> None:
    """Merges are written before their extract may be refused or killed, so they are dropped later.

    A copied home drops them in its own tables, not in those of the original, and keeps its other rows.
    """
    home = tmp_path / "home"
    shutil.copytree(landed["spark"].home, home)
    rows = home / "spark" / "warehouse" / "raw.db"
    assert list((rows / "person_merges").glob("*=2026-09-30/*.parquet"))
    program = (
        "import sys; from pathlib import Path; from harmrank.home import warehouse; from harmrank.home.folder import Home; "
        "from harmrank.spark.session import Session; home = Home(Path(sys.argv[1])); "
        "Session(home).hand_over(warehouse.connect(home))"
    )
    subprocess.run([SPARK_PYTHON, "-c", program, home], env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, check=True)
    assert not list((rows / "person_merges").glob("*=2026-09-30/*.parquet"))
    assert list((landed["spark"].home / "spark/warehouse/raw.db/person_merges").glob("*=2026-09-30/*.parquet"))
    for home_rows in (rows, landed["spark"].home / "spark/warehouse/raw.db"):
        assert list((home_rows / "crimes").glob("*=2026-05-31/*.parquet"))
    assert duckdb.sql(f"from '{rows}/quarantine/*.parquet'").fetchall()


@pytest.mark.thorough
def test_nothing_of_an_extract_is_left_in_scratch(landed: dict[str, Landed]) -> None:
    """Files that Spark writes for the checks hold personal data: they are removed when the extract has landed or was refused."""
    scratch = landed["spark"].home / "scratch"
    assert [path for path in scratch.rglob("*") if path.is_file()] == []


@pytest.mark.thorough
def test_temporary_files_of_java_are_in_the_home(landed: dict[str, Landed]) -> None:
    """Temporary files of a session can hold rows, so they belong in the home, which only its owner may read.

    Hive leaves a folder at each start, by default in the machine's own temporary folder.
    """
    assert list((landed["spark"].home / "spark" / "scratch").glob("*_resources"))


@pytest.mark.thorough
def test_a_home_stays_with_its_engine(landed: dict[str, Landed], extracts: Path) -> None:
    """With two engines, each build would know only half of the rows. Options that Spark lacks are refused at once."""
    for options, message in (
        (("--engine", "duckdb"), "are in spark: use a new home for duckdb"),
        (("--known-at", "2026-06-30"), "--known-at does not work with spark yet"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "harmrank", "refresh", extracts, "--home", landed["spark"].home, *options],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert message in done.stderr


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("pyspark", r"pip install 'harmrank\[spark\]', or make spark-env"),
        ("java", "apt-get install openjdk-17-jre-headless"),
    ],
)
def test_a_missing_requirement_of_spark_is_named(
    missing: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says how to install it, before anything is created and without a traceback."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else object())
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else name)
    with pytest.raises(UsageError, match=message):
        engines.of(Home(tmp_path / "home"), "spark").rows()
    assert not (tmp_path / "home").exists()
