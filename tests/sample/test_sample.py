"""The synthetic feed: same bytes for the same seed, columns of the contract, number of crimes, defects, shapes."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from harmrank import contract
from harmrank.cli.running import sample
from harmrank.errors import UsageError
from harmrank.sample import SHAPES, feed, write_sample

CRIMES, MONTHS = 30_000, 8


def _nothing(_: str) -> None:
    pass


def _make(out: Path, crimes: int = CRIMES, months: int = MONTHS, seed: int = 1, shape: str = "usual") -> Path:
    write_sample(out, crimes=crimes, months=months, seed=seed, shape=shape, report=_nothing)
    return out


def _bytes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _rows(folder: Path, table: str) -> list[dict[str, str]]:
    found = []
    for path in sorted(folder.glob(f"*/{table}*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += [row | {"extract": path.parent.name} for row in csv.DictReader(file) if None not in row]
    return found


@pytest.fixture(scope="module", params=SHAPES)
def extracts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One feed of each shape for all tests that only read it."""
    return _make(tmp_path_factory.mktemp("sample") / "feed", shape=request.param)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_different_ones(tmp_path: Path) -> None:
    """Figures quoted from the sample can be reproduced."""
    one, two, other = (_make(tmp_path / name, 3_000, 4, seed) for name, seed in (("a", 5), ("b", 5), ("c", 6)))
    assert _bytes(one) == _bytes(two)
    assert _bytes(one)["2026-10-31/crimes.csv"] != _bytes(other)["2026-10-31/crimes.csv"]


def test_the_usual_shape_never_changes(tmp_path: Path) -> None:
    """Figures of older versions were measured on the same feed: a new shape changes no byte of the usual one."""
    described = hashlib.sha256()
    for extract in sorted(_make(tmp_path / "feed", 20_000, 4, 5).iterdir()):
        described.update((extract / "extract.json").read_bytes())
    assert described.hexdigest() == "05412968fc89d109e3732f953d0507f9fe6ee523157df33ae2520ef768f6d7d0"


# Of each shape: men suspected of a crime against a woman or girl, such crimes, those with two suspects, with a witness.
DENSITY = """
    with links as (select distinct crime_ref, person_ref, role from read_csv('{0}/*/involvements.csv', all_varchar = true)),
    people as (select person_ref, any_value(sex) as sex from read_csv('{0}/*/people.csv', all_varchar = true) group by all),
    crimes as (
        select
            crime_ref,
            list(person_ref) filter (role = 'suspect' and sex = 'M') as men,
            bool_or(role = 'victim' and sex = 'F') as has_woman,
            bool_or(role = 'witness') as has_witness
        from links inner join people using (person_ref)
        group by crime_ref
    )
    select
        len(list_distinct(flatten(list(men)))),
        count(*),
        count(*) filter (len(men) > 1),
        count(*) filter (has_witness)
    from crimes where has_woman and len(men) > 0
"""


def test_the_dense_shape_has_more_people_in_scope(tmp_path: Path) -> None:
    """For as many crimes it has over twice as many suspects of crime against women, a fifth of it with two, a fifth with a witness."""
    usual, dense = (
        duckdb.sql(DENSITY.format(_make(tmp_path / shape, 10_000, 2, shape=shape))).fetchall()[0] for shape in SHAPES
    )
    assert 2 < dense[0] / usual[0] < 4 and 2 < dense[1] / usual[1] < 4
    assert usual[2] / usual[1] < 0.05 < 0.15 < dense[2] / dense[1] < 0.25
    assert usual[3] / usual[1] < 0.05 < 0.15 < dense[3] / dense[1] < 0.25


def test_the_command_offers_every_shape() -> None:
    """The command names the shapes itself, to start without numpy."""
    offered = next(option.type for option in sample.params if option.name == "shape")
    assert list(offered.choices) == list(SHAPES)


def test_the_bytes_do_not_depend_on_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are written in their order on any number of cores."""
    connect = duckdb.connect

    def single(*arguments: object) -> duckdb.DuckDBPyConnection:
        return connect(config={"threads": 1})

    usual = _make(tmp_path / "usual", 300_000, 1)
    monkeypatch.setattr(feed.duck, "open_database", single)
    assert _bytes(usual) == _bytes(_make(tmp_path / "single", 300_000, 1))


def test_extracts_are_the_month_ends_up_to_october_2026(extracts: Path) -> None:
    """The ids are right and no unfinished folder remains."""
    names = sorted(path.name for path in extracts.iterdir())
    assert (len(names), names[0], names[-1]) == (MONTHS, "2026-03-31", "2026-10-31")


def test_columns_are_those_of_the_contract_in_its_order(extracts: Path) -> None:
    """Each file of each table has exactly the columns of the contract."""
    for table in contract.TABLES.values():
        for path in extracts.glob(f"*/{table.name}.csv"):
            header = path.read_text(encoding="utf-8").splitlines()[0]
            assert header.split(",") == [column.name for column in table.columns]


def test_extract_json_describes_the_files(extracts: Path) -> None:
    """Row counts and checksums are right: landing checks them."""
    for folder in extracts.iterdir():
        stated = json.loads((folder / "extract.json").read_text(encoding="utf-8"))
        assert stated["extract_at"].startswith(folder.name)
        assert set(stated["files"]) == {path.name for path in folder.glob("*.csv")}
        for name, facts in stated["files"].items():
            content = (folder / name).read_bytes()
            assert facts == {"rows": content.count(b"\n") - 1, "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(("crimes", "months"), [(1, 1), (5, 12), (2_000, 3), (30_000, 8)])
def test_a_sample_has_exactly_the_number_of_crimes_asked_for(tmp_path: Path, crimes: int, months: int) -> None:
    """--crimes counts distinct keys over all extracts, with late and repeated ones."""
    found = _rows(_make(tmp_path / "feed", crimes, months), "crimes")
    assert len({row["crime_ref"] for row in found}) == crimes


def test_a_sample_in_parts_has_the_same_crimes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large samples are written in parts: the number of crimes is right and no reference is used for two crimes."""
    monkeypatch.setattr(feed, "CRIMES_A_PART", 400)
    folder = _make(tmp_path / "feed", 3_000, 2)
    assert (folder / "2026-10-31" / "crimes_04.csv").exists()
    assert len({row["crime_ref"] for row in _rows(folder, "crimes")}) == 3_000


def test_no_crime_reference_is_used_for_two_crimes(extracts: Path) -> None:
    """All versions of a crime agree on what never changes."""
    facts: dict[str, set[tuple[str, str]]] = {}
    for row in _rows(extracts, "crimes"):
        if row["reported_on"] != "2025-02-31":
            facts.setdefault(row["crime_ref"], set()).add((row["reported_on"], row["offence_code"]))
    assert max(len(versions) for versions in facts.values()) == 1


def test_no_person_reference_is_used_for_two_people(extracts: Path) -> None:
    """All versions of a record have the same name and date of birth."""
    names: dict[str, set[tuple[str, str]]] = {}
    for row in _rows(extracts, "people"):
        if row["person_ref"]:
            names.setdefault(row["person_ref"], set()).add((row["forename"], row["surname"]))
    assert max(len(versions) for versions in names.values()) == 1


def test_nothing_in_an_extract_is_newer_than_the_extract(extracts: Path) -> None:
    """A change made after the extract was taken is not in it."""
    for table in contract.TABLES:
        for row in _rows(extracts, table):
            assert row["updated_at"] <= f"{row['extract']}T23:45:00"


def test_reports_are_of_the_month_or_earlier(extracts: Path) -> None:
    """An extract has no report of a later day, and some of an earlier month."""
    found = [row for row in _rows(extracts, "crimes") if row["reported_on"] != "2025-02-31"]
    assert all(row["reported_on"] <= row["extract"] for row in found)
    first_seen = {}
    for row in found:
        first_seen.setdefault(row["crime_ref"], row)
    late = sum(row["reported_on"][:7] < row["extract"][:7] for row in first_seen.values())
    assert 0.004 < late / len(first_seen) < 0.03


def test_the_defects_of_real_feeds_are_there(extracts: Path) -> None:
    """The sample has every defect that the contract names."""
    crimes, people, links = (_rows(extracts, table) for table in ("crimes", "people", "involvements"))
    refs, persons = ({row["crime_ref"] for row in crimes}, {row["person_ref"] for row in people})
    versions = Counter(row["crime_ref"] for row in crimes)
    suspects = {row["crime_ref"] for row in links if row["role"] == "suspect"}
    present = {
        "changed later": max(versions.values()) > 1,
        "cancelled": any(row["cancelled_on"] for row in crimes),
        "deleted": any(row["deleted"] == "Y" for row in crimes),
        "unknown code": any(row["offence_code"] in ("999/97", "T/REC", "88888") for row in crimes),
        "text null": any(row["committed_to"] in ("NULL", "null") for row in crimes),
        "committed after report": any("0" < row["reported_on"] < row["committed_from"] < "3" for row in crimes),
        "orphan without crime": any(row["crime_ref"] not in refs for row in links),
        "orphan without person": any(row["person_ref"] not in persons for row in links),
        "junk sex": any(row["sex"] == "Not known" for row in people),
        "sex unknown": any(row["sex"] == "U" for row in people),
        "year only": any(row["birth_year"] for row in people),
        "junk outcome": any(row["outcome_type"] == "n/k" for row in crimes),
        "suspect on outcome 14 or 18": any(
            row["outcome_type"] in ("14", "18") and row["crime_ref"] in suspects for row in crimes
        ),
        "all forms of a code": {"105/01", "10501", "105/1", "105A"} <= {row["offence_code"] for row in crimes},
        "bad date": any(row["reported_on"] == "2025-02-31" for row in crimes),
        "role outside the list": any(row["role"] == "bystander" for row in links),
        "custody": len(_rows(extracts, "custody")) > 0,
    }
    assert [name for name, there in present.items() if not there] == []


def test_merged_records_both_have_allegations(tmp_path: Path) -> None:
    """Surviving and merged records are suspects; chains of merges occur, cycles do not."""
    folder = _make(tmp_path / "feed", 60_000, 12)
    merged = {row["person_ref"]: row["merged_into_ref"] for row in _rows(folder, "person_merges")}
    suspects = {row["person_ref"] for row in _rows(folder, "involvements") if row["role"] == "suspect"}
    assert any(here in suspects and there in suspects for here, there in merged.items())
    assert any(there in merged for there in merged.values())
    for ref in merged:
        seen = set()
        while ref in merged:
            assert ref not in seen
            seen.add(ref)
            ref = merged[ref]


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    """Nothing in the folder is overwritten or mixed."""
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not an empty folder"):
        _make(tmp_path, 10, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_sample_of_zero_crimes_is_wrong_use(tmp_path: Path) -> None:
    """An empty feed would land without a warning."""
    with pytest.raises(UsageError):
        _make(tmp_path / "feed", 0, 1)
