"""The published list against a computation that shares no SQL with it, and that computation against sums by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import FULL_LIST, PublishedHome
from reliability import homes
from support import independent, independent_methods

REPOSITORY = Path(__file__).resolve().parents[2]
SEEDS = REPOSITORY / "seeds"

# --- by hand -----------------------------------------------------------------------------------------------

D = date(2026, 6, 30)
COLUMNS = {
    "crimes": "force,crime_ref,offence_code,reported_on,reported_by,cancelled_on,updated_at,deleted,outcome_type",
    "people": "force,person_ref,sex,date_of_birth,birth_year,deceased_on,updated_at,deleted",
    "involvements": "force,crime_ref,person_ref,role,status,updated_at,deleted",
    "person_merges": "force,person_ref,merged_into_ref,updated_at,deleted",
}
HAND_SEEDS = {
    "offences": ["offence_code,code_type,vawg_scope", "019/08,home_office,in", "008/06,home_office,in",
                 "008/77,home_office,in", "049/10,home_office,out", "099/99,home_office,in",
                 "19C,recorded_crime,in"],
    "recorded_crime_links": ["recorded_crime_code,offence_code", "19C,019/08", "19C,049/10"],
    "harm_indices": ["harm_index,extends_index", "cchi_2020,", "cchi_2020_supplemented,cchi_2020"],
    "harm_weights": ["harm_index,offence_code,recorded_crime_code,harm_days,harm_days_highest",
                     "cchi_2020,019/08,19C,1825,1825", "cchi_2020,019/08,19J,2555,2555",
                     "cchi_2020,008/06,8N,10,182.5", "cchi_2020,008/77,8N,1,1",
                     "cchi_2020_supplemented,008/77,,547.5,547.5"],
}  # fmt: skip


@dataclass
class Hand:
    """A feed written row by row. A row has its values, with default force and ``updated_at``."""

    root: Path

    def add(self, table: str, *rows: str, extract: str = "2026-06-30") -> Hand:
        """Appends rows (CSV, in the order of COLUMNS) to one extract."""
        path = self.root / extract / f"{table}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(COLUMNS[table] + "\n", encoding="utf-8")
        with path.open("a", encoding="utf-8") as out:
            out.writelines(row + "\n" for row in rows)
        return self

    def allegation(
        self,
        crime: str,
        *,
        man: str = "m1",
        woman: str = "w1",
        code: str = "008/06",
        reported_on: str = "2026-06-01",
        reported_by: str = "",
        cancelled_on: str = "",
        status: str = "",
        outcome: str = "",
    ) -> Hand:
        """A crime with one suspect and one victim."""
        self.add("crimes", f"met,{crime},{code},{reported_on},{reported_by},{cancelled_on},2026-06-02,,{outcome}")
        self.add("involvements", f"met,{crime},{man},suspect,{status},2026-06-02,")
        return self.add("involvements", f"met,{crime},{woman},victim,,2026-06-02,")

    def man(self, ref: str = "m1", *, born_on: str = "", birth_year: str = "", died_on: str = "") -> Hand:
        """A male person."""
        return self.add("people", f"met,{ref},M,{born_on},{birth_year},{died_on},2026-06-02,")

    def woman(self, ref: str = "w1") -> Hand:
        """A female person."""
        return self.add("people", f"met,{ref},F,,,,2026-06-02,")

    def places(self, list_date: date = D) -> list[independent.Place]:
        """The list by the hand-written seeds."""
        return independent.ranked(self.root, list_date, self.root.parent / "seeds")

    def keys(self, list_date: date = D) -> list[str]:
        """The offender keys of the list, in order, without the force."""
        return [place.offender_key.removeprefix("met|") for place in self.places(list_date)]


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    """An empty feed beside hand-written seeds, with one man m1 and one woman w1."""
    (tmp_path / "seeds").mkdir()
    for name, lines in HAND_SEEDS.items():
        (tmp_path / "seeds" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Hand(tmp_path / "extracts").man().woman()


@pytest.mark.parametrize(
    ("reported_on", "is_in"),
    [("2025-06-30", False), ("2025-07-01", True), ("2026-06-30T23:59:59", True), ("2026-07-01", False)],
)
def test_the_window_is_open_at_its_start_and_closed_at_its_end(hand: Hand, reported_on: str, is_in: bool) -> None:
    """2025-06-30, 365 days before 2026-06-30, is out; the list date is in, at any hour."""
    assert bool(hand.allegation("c1", reported_on=reported_on).places()) is is_in


@pytest.mark.parametrize(
    ("born_on", "birth_year", "list_date", "is_in"),
    [
        ("2008-06-30", "", D, True),
        ("2008-07-01", "", D, False),
        ("2008-02-29", "", date(2026, 2, 28), False),
        ("2008-02-29", "", date(2026, 3, 1), True),
        ("", "2008", D, True),
        ("", "2009", D, False),
        ("2008-06-30", "2015", D, True),
        ("2008-13-45", "2009", D, False),
        ("2008-13-45", "", D, True),
    ],
)
def test_age_is_counted_to_the_birthday(
    hand: Hand, born_on: str, birth_year: str, list_date: date, is_in: bool
) -> None:
    """Eighteen on the day; 1 March for 29 February; a year alone leaves out only who must be a minor."""
    hand.man("m2", born_on=born_on, birth_year=birth_year).allegation("c1", man="m2", reported_on="2026-02-01")
    assert bool(hand.places(list_date)) is is_in


@pytest.mark.parametrize(
    ("facts", "is_in"),
    [
        ({"cancelled_on": "2026-06-30"}, False),
        ({"cancelled_on": "2026-07-01"}, True),
        ({"cancelled_on": "soon"}, True),
        ({"reported_by": "police"}, False),
        ({"reported_by": "company"}, False),
        ({"reported_by": "third_party"}, True),
        ({"reported_by": "neighbour"}, True),
        ({"status": "eliminated"}, False),
        ({"status": "Acquitted"}, False),
        ({"status": "wanted"}, True),
        ({"code": "049/10"}, False),
        ({"code": "no such code"}, False),
        ({"woman": "m1"}, False),
        ({"woman": "never sent"}, False),
        ({"man": "w1"}, False),
        ({"man": "never sent"}, False),
    ],
)
def test_each_condition_alone_decides(hand: Hand, facts: dict[str, str], is_in: bool) -> None:
    """One allegation that counts except for the one fact under test."""
    assert bool(hand.allegation("c1", **facts).places()) is is_in


@pytest.mark.parametrize(("died_on", "is_in"), [("2026-06-30", False), ("2026-07-01", True)])
def test_the_dead_leave_the_list_on_the_day(hand: Hand, died_on: str, is_in: bool) -> None:
    """Dead on the list date is dead."""
    assert bool(hand.man("m2", died_on=died_on).allegation("c1", man="m2").places()) is is_in


def test_newest_version_wins_and_a_tombstone_removes(hand: Hand) -> None:
    """Equal ``updated_at``: the later row wins. A tombstone needs only key and time; a later version restores the record."""
    hand.allegation("c1").allegation("c2").allegation("c3")
    hand.add("crimes", "met,c1,049/10,2026-06-01,,,2026-06-02,,")  # same moment, later row: out of scope
    hand.add("crimes", "met,c2,,,,,2026-06-03,Y,", extract="2026-07-31")
    hand.add("crimes", "met,c3,019/08,2026-06-01,,,2026-06-01,,", extract="2026-07-31")  # older: changes nothing
    assert [found.crime_ref for place in hand.places() for found in place.evidence] == ["c3"]
    assert hand.places()[0].harm_days == 10
    hand.add("crimes", "met,c2,19c,2026-06-01,,,2026-06-04,,", extract="2026-08-31")
    assert hand.places()[0].harm_days == 1835


def test_rows_that_cannot_be_used_are_left_out(hand: Hand) -> None:
    """A bad required date, a missing key, an unknown role, too few fields: none replaces the good row."""
    hand.allegation("c1")
    hand.add("crimes", "met,c1,049/10,31/06/2026,,,2026-06-09,,", "met,c1,049/10,2026-06-01,,,yesterday,,", "met,c1")
    hand.add("crimes", "met,NULL,008/06,2026-06-01,,,2026-06-09,,")
    hand.add("involvements", "met,c1,m1,bystander,,2026-06-09,", "met,,m1,suspect,,2026-06-09,")
    assert [(place.harm_days, place.allegations) for place in hand.places()] == [(10, 1)]


def test_merges_make_one_offender_one_victim_and_one_allegation(hand: Hand) -> None:
    """A chain ends at its survivor, whose attributes count; two links to a crime keep the furthest status."""
    hand.man("m2").man("m3").woman("w2")
    hand.allegation("c1", man="m1", status="charged").allegation("c2", man="m2", woman="w2")
    hand.add("involvements", "met,c1,m2,suspect,eliminated,2026-06-02,", "met,c1,m3,suspect,arrested,2026-06-02,")
    hand.add("person_merges", "met,m1,m2,2026-06-03,", "met,m2,m3,2026-06-03,", "met,w1,w2,2026-06-03,")
    (place,) = hand.places()
    assert (place.offender_key, place.allegations, place.female_victims) == ("met|m3", 2, 1)
    assert {found.crime_ref: found.status for found in place.evidence} == {"c1": "charged", "c2": "named"}
    hand.add("person_merges", "met,m3,gone,2026-06-03,")
    assert hand.places() == [], "a survivor who was never sent has no known sex"
    hand.add("person_merges", "met,m3,,2026-06-04,Y")
    assert hand.keys() == ["m3"]
    hand.add("person_merges", "met,m3,m1,2026-06-05,")
    with pytest.raises(ValueError, match="circle"):
        hand.places()


def test_order_follows_the_five_steps_and_marks_ties(hand: Hand) -> None:
    """Harm, then women, then allegations, then the latest report, then the key."""
    for ref in ["a", "b", "c", "d", "e", "f"]:
        hand.man(ref)
    hand.woman("w2")
    hand.allegation("c1", man="f", code="19C")  # 1825 days
    hand.allegation("c2", man="e").add("involvements", "met,c2,w2,victim,,2026-06-02,")  # 10 days, two women
    hand.allegation("c3", man="d").allegation("c4", man="d", code="99/99")  # 10 days, a second one unweighted
    hand.allegation("c5", man="c", reported_on="2026-06-02")  # 10 days, a day later than the two below
    hand.allegation("c6", man="b").allegation("c7", man="a")
    assert hand.keys() == ["f", "e", "d", "c", "a", "b"]
    assert [place.is_tied for place in hand.places()] == [False, False, False, False, True, True]
    assert [place.harm_rank for place in hand.places()] == [1, 2, 3, 4, 5, 6]
    assert [place.unweighted_allegations for place in hand.places()] == [0, 0, 1, 0, 0, 0]


def test_weights_take_the_lowest_and_the_supplement_before_its_base(hand: Hand) -> None:
    """019/08 has 1825 and 2555, so it weighs 1825; 008/77 has the weight of the supplement; 8N the lowest of the rest."""
    rules = independent.read_rules(hand.root.parent / "seeds")
    assert rules.weights["019/08"] == (1825, 2555)
    assert rules.weights["19C"] == (1825, 1825)
    assert rules.weights["008/77"] == (547.5, 547.5)
    assert rules.weights["8N"] == (10, 182.5)
    assert "19C" in rules.in_scope


@pytest.mark.parametrize(
    ("outcome", "status", "is_closed"),
    [
        *[(str(number), "", number in {14, 15, 16, 17, 18, 21}) for number in range(23)],
        ("", "", False), ("23", "", False), ("soon", "", False),
        ("16", "arrested", True), ("16", "charged", False), ("16", "convicted", False),
    ],
)  # fmt: skip
def test_the_outcome_closes_what_nobody_is_charged_with(hand: Hand, outcome: str, status: str, is_closed: bool) -> None:
    """14 to 18 and 21, unless the person is charged or convicted."""
    (place,) = hand.allegation("c1", outcome=outcome, status=status).places()
    assert (place.days_closed, place.harm_days) == (10 if is_closed else 0, 10)


def test_shares_are_counted_from_the_top(hand: Hand) -> None:
    """Three men with 1825, 10 and 10 days: one has more than 80 %, two are more than a third of them."""
    for ref in ["a", "b", "c"]:
        hand.man(ref)
    hand.allegation("c1", man="c", code="19C", status="charged").allegation("c2", man="b").allegation("c3", man="a")
    places = hand.places()
    assert independent.fewest_with(places, 80) == (1, 1 / 3, 1825, 0, 1825, 0, 1825 / 1845)
    assert independent.fewest_with(places, 99) == (2, 2 / 3, 1835, 10, 1825, 0, 1835 / 1845)
    assert independent.fewest_with(places, 100).offenders == 3
    assert [independent.most_harmful(places, share).offenders for share in (1, 33, 34, 66, 67)] == [1, 1, 2, 2, 3]
    assert independent.fewest_with([], 80) == independent.most_harmful([], 7) == (0, None, 0, 0, 0, 0, None)


def test_a_share_of_no_harm_has_no_people(hand: Hand) -> None:
    """If no allegation has a weight, shares of offenders have people and shares of harm have none."""
    places = hand.allegation("c1", code="99/99").places()
    assert independent.most_harmful(places, 50) == (1, 1, 0, 0, 0, 0, None)
    assert independent.fewest_with(places, 80) == (0, None, 0, 0, 0, 0, None)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("019/08", "019/08"), ("19/8", "019/08"), ("01908", "019/08"), ("1908", "019/08"), ("10501", "105/01"),
     ("19c", "19C"), (" 19C ", "19C"), ("4.4", "4.4"), ("104", "104"), ("1", "1"), ("806", "008/06"), ("802", "802")],
)  # fmt: skip
def test_offence_codes_have_one_form(written: str, canonical: str) -> None:
    """Every form met in practice leads to the same code."""
    assert independent.canonical_code(written) == canonical


def moves(hand: Hand, list_date: date, list_before: date) -> dict[str, tuple[str, str]]:
    """The movement and its reason, for everybody who moved."""
    found = independent.moved(hand.root, list_date, list_before, hand.root.parent / "seeds")
    return {move.offender_key.split("|")[1]: (move.movement, move.reason) for move in found}


@pytest.mark.parametrize(
    ("facts", "man", "move"),
    [
        ({"reported_on": "2026-06-01"}, {}, ("entered", "new_allegation")),
        ({"reported_on": "2026-05-31"}, {}, ("stayed", "unchanged")),
        ({"reported_on": "2025-06-30"}, {}, ("left", "window_passed")),
        ({"reported_on": "2025-07-01"}, {}, ("stayed", "unchanged")),
        ({"reported_on": "2025-07-01", "cancelled_on": "2026-06-30"}, {}, ("left", "cancelled")),
        ({"reported_on": "2025-06-30", "cancelled_on": "2026-06-30"}, {}, ("left", "window_passed")),
        ({"reported_on": "2026-05-01", "cancelled_on": "2026-07-01"}, {}, ("stayed", "unchanged")),
        ({"reported_on": "2026-05-31"}, {"born_on": "2008-06-30"}, ("entered", "came_of_age")),
        ({"reported_on": "2026-05-31"}, {"died_on": "2026-06-30"}, ("left", "died")),
    ],
)
def test_a_movement_has_the_reason_of_its_day(
    hand: Hand, facts: dict[str, str], man: dict[str, str], move: tuple[str, str]
) -> None:
    """One allegation, between the lists of 31 May and 30 June 2026; each reason at its edge."""
    hand.man("m2", **man).allegation("c1", man="m2", **facts)
    assert moves(hand, D, date(2026, 5, 31)) == {"m2": move}


def test_other_people_move_the_cutoff(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a list of one place: a person with unchanged harm is overtaken by a new report, and returns when it is cancelled."""
    monkeypatch.setattr(independent, "LIST_SIZE", 1)
    hand.man("m2").man("m3")
    hand.allegation("c1", man="m2", reported_on="2026-04-30")
    hand.allegation("c2", man="m3", code="19C", reported_on="2026-05-31", cancelled_on="2026-06-15")
    may = moves(hand, date(2026, 5, 31), date(2026, 4, 30))
    assert may == {"m2": ("left", "overtaken"), "m3": ("entered", "new_allegation")}
    assert moves(hand, D, date(2026, 5, 31)) == {"m2": ("entered", "others_left"), "m3": ("left", "cancelled")}


# --- the published list ------------------------------------------------------------------------------------

Refreshed = Callable[[int, str], "Published"]


@dataclass(frozen=True)
class Published:
    """One refresh of one sample: where its extracts are, the list date, and every row that was published."""

    extracts: Path
    list_date: date
    tables: dict[str, list[dict[str, Any]]]


def list_date_of(extracts: Path, kind: str) -> date:
    """The newest extract's date, the last day of an earlier covered month, or a day inside one."""
    newest = max(date.fromisoformat(folder.name[:10]) for folder in extracts.iterdir() if folder.is_dir())
    a_few_months_back = (newest - timedelta(days=100)).replace(day=1)
    return {
        "newest": newest,
        "month end": a_few_months_back - timedelta(days=1),
        "mid month": a_few_months_back + timedelta(days=13),
    }[kind]


def refresh(extracts: Path, home: Path, list_date: date) -> Published:
    """Runs the real command and reads what it published."""
    homes.refreshed(extracts, home, "--list-date", str(list_date))
    return published_in(home, extracts, list_date)


def published_in(home: Path, extracts: Path, list_date: date) -> Published:
    """Every row that a home has published."""
    mart = duckdb.connect(str(home / "published" / "current" / "harm_mart.duckdb"), read_only=True)
    try:
        tables = "select table_name from information_schema.tables where table_schema = 'mart'"
        names = [name for (name,) in mart.execute(tables).fetchall()]
        return Published(extracts, list_date, {name: table_rows(mart, name) for name in names})
    finally:
        mart.close()


def table_rows(mart: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """All rows of one published table."""
    result = mart.execute(f"from mart.{name}")
    columns = [column[0] for column in result.description]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


@pytest.fixture(scope="session")
def refreshed(tmp_path_factory: pytest.TempPathFactory, full_list: PublishedHome) -> Refreshed:
    """Returns the refresh of a sample seed at a kind of list date, each built once."""
    from harmrank.sample import write_sample

    newest = published_in(full_list.home, full_list.extracts, list_date_of(full_list.extracts, "newest"))
    done: dict[tuple[int, str], Published] = {(FULL_LIST["seed"], "newest"): newest}
    samples: dict[int, Path] = {}

    def give(seed: int, kind: str) -> Published:
        if seed not in samples and (seed, kind) not in done:
            samples[seed] = tmp_path_factory.mktemp(f"sample_{seed}")
            write_sample(samples[seed] / "extracts", **{**FULL_LIST, "seed": seed})
        if (seed, kind) not in done:
            extracts = samples[seed] / "extracts"
            done[seed, kind] = refresh(extracts, samples[seed] / "home", list_date_of(extracts, kind))
        return done[seed, kind]

    return give


def case(seed: int, kind: str) -> Any:
    """A parameter. The first tier runs only the home that other tests also need."""
    marks = [] if (seed, kind) == (FULL_LIST["seed"], "newest") else [pytest.mark.thorough]
    return pytest.param((seed, kind), marks=marks, id=f"seed {seed}, {kind}")


CASES = [
    case(1, "newest"), case(1, "month end"), case(1, "mid month"),
    case(2, "newest"), case(2, "mid month"),
    case(3, "newest"), case(3, "month end"),
]  # fmt: skip
NEWEST = [case(seed, "newest") for seed in (1, 2, 3)]


@pytest.fixture(params=CASES, scope="session")
def published(request: pytest.FixtureRequest, refreshed: Refreshed) -> Published:
    """Three samples, two or three list dates each."""
    return refreshed(*request.param)


def expected(published: Published) -> list[independent.Place]:
    """The independent list for what was published."""
    return independent.ranked(published.extracts, published.list_date, SEEDS)


def assert_same_rows(got: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> None:
    """Equal, or a failure that names the first different rows, not thousands."""
    differing = [pair for pair in zip(got, wanted, strict=False) if pair[0] != pair[1]][:5]
    assert not differing, f"published, independent: {differing}"
    assert len(got) == len(wanted)


def test_the_samples_have_what_the_comparison_needs(published: Published) -> None:
    """Without a full list, ties, merges and ambiguous weights the samples would prove little."""
    places = expected(published)
    assert len(places) > 100
    assert any(place.female_victims > 1 for place in places)
    assert any(place.is_tied for place in places)
    assert {found.status for place in places for found in place.evidence} >= {"named", "charged"}
    assert any(found.weight_is_ambiguous for place in places for found in place.evidence)
    assert independent.current(published.extracts, "person_merges")


def test_every_ranked_offender_agrees(published: Published) -> None:
    """People, order, days, allegations and victims of the whole ranking."""
    rows = sorted(published.tables["offender_harm"], key=lambda row: row["harm_rank"])
    columns = ["list_date", "harm_rank", "offender_key", "harm_days", "allegations", "female_victims"]
    wanted = [(published.list_date, *(getattr(p, name) for name in columns[1:])) for p in expected(published)]
    assert_same_rows([tuple(row[name] for name in columns) for row in rows], wanted)


def test_the_hundred_agree(published: Published) -> None:
    """The list itself, with its first and latest reports, its ties and its allegations without a weight."""
    rows = sorted(published.tables["top_100"], key=lambda row: row["harm_rank"])
    columns = ["harm_rank", "offender_key", "harm_days", "allegations", "female_victims"]
    columns += ["first_reported_on", "latest_reported_on", "unweighted_allegations", "is_tied"]
    wanted = [tuple(getattr(place, name) for name in columns) for place in expected(published)[:100]]
    assert_same_rows([tuple(row[name] for name in columns) for row in rows], wanted)


def test_the_evidence_behind_each_place_agrees(published: Published) -> None:
    """Each counted crime of the hundred: days, the suspect's status, whether the weight is ambiguous."""
    columns = ["harm_rank", "force", "crime_ref", "harm_days", "status", "weight_is_ambiguous"]
    columns += ["is_closed_without_charge"]
    got = sorted(
        (tuple(row[name] for name in columns) for row in published.tables["top_100_evidence"]), key=lambda row: row[:3]
    )
    wanted = sorted(
        ((place.harm_rank, *found) for place in expected(published)[:100] for found in place.evidence),
        key=lambda row: row[:3],
    )
    assert_same_rows(got, wanted)


def test_days_by_status_agree(published: Published) -> None:
    """The named, charged and convicted parts of everyone's days, and the part closed without a charge."""
    places = expected(published)
    for table, wanted in (("top_100", places[:100]), ("offender_harm", places)):
        rows = sorted(published.tables[table], key=lambda row: row["harm_rank"])
        assert_same_rows([by_status(row) for row in rows], [split(place) for place in wanted])


PARTS = ["named", "charged", "convicted", "closed_without_charge"]


def by_status(row: dict[str, Any]) -> tuple[Any, ...]:
    """The parts of the harm in a published row."""
    parts = [row[f"harm_days_{part}"] for part in PARTS]
    return row["harm_rank"], row["harm_days"], *parts, row["share_closed_without_charge"]


def split(place: independent.Place) -> tuple[Any, ...]:
    """The same parts of a place on the independent list."""
    parts = place.days("named", "arrested"), place.days("charged"), place.days("convicted")
    share = place.days_closed / place.harm_days if place.harm_days else None
    assert sum(parts) == place.harm_days
    return place.harm_rank, place.harm_days, *parts, place.days_closed, share


def test_the_concentration_of_harm_agrees(published: Published) -> None:
    """Every share of the seed: its people, their harm, and that as a share of all harm."""
    places = expected(published)
    asked = {"offenders": independent.most_harmful, "harm": independent.fewest_with}
    shares = [(row["share_of"], int(row["per_cent"])) for row in independent.seed_rows(SEEDS, "concentration_shares")]
    got = [
        (row["list_date"], row["share_of"], row["per_cent"], *(row[name] for name in independent.Concentration._fields))
        for row in sorted(published.tables["harm_concentration"], key=lambda row: (row["share_of"], row["per_cent"]))
    ]
    wanted = [(published.list_date, of, share, *asked[of](places, share)) for of, share in sorted(shares)]
    assert_same_rows(got, wanted)


def test_the_detected_harm_agrees(published: Published) -> None:
    """Month by month and area by area: the public's harm, the detected part of it and its share; and whether the month is complete."""
    columns = ["harm_days", "detected_harm_days", "detected_share", "is_complete"]
    got = {
        (row["month"], row["area_code"]): tuple(row[name] for name in columns)
        for row in published.tables["crime_harm_monthly"]
    }
    wanted = independent.detected_by_month(published.extracts, published.list_date, SEEDS)
    assert_same_rows(sorted(got.items()), sorted(wanted.items()))


def is_month_end(day: date) -> bool:
    """Whether the next day is the first of a month."""
    return (day + timedelta(days=1)).day == 1


def test_every_monthly_list_agrees(published: Published) -> None:
    """A list for each month-end that the landed data covers, each by the same rules as of its date."""
    got: dict[date, list[tuple[Any, ...]]] = {}
    for row in sorted(published.tables["list_history"], key=lambda row: (row["list_date"], row["harm_rank"])):
        got.setdefault(row["list_date"], []).append((*by_status(row), row["offender_key"]))
    taken_on = [date.fromisoformat(folder.name[:10]) for folder in published.extracts.iterdir() if folder.is_dir()]
    first, last = min(taken_on), min(published.list_date, max(taken_on))
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    assert {day for day in days if is_month_end(day)} <= set(got), "a month-end between the extracts has no list"
    for list_date, rows in got.items():
        assert is_month_end(list_date) or list_date == published.list_date
        places = independent.ranked(published.extracts, list_date, SEEDS)[:100]
        wanted = [(*split(place), place.offender_key) for place in places]
        assert_same_rows([row for row in rows if row[0] <= 100], wanted)


@pytest.mark.parametrize("method", sorted(independent_methods.methods(SEEDS)))
def test_every_method_agrees(published: Published, method: str) -> None:
    """The hundred of each method, how many it ranks, and how far they overlap the published hundred."""
    feed, rows = independent.read_feed(published.extracts), independent_methods.methods(SEEDS)
    places = independent_methods.rank(feed, rows[method], SEEDS, published.list_date)
    listed = [row for row in published.tables["method_lists"] if row["method"] == method]
    columns = ["method_rank", "offender_key", "score", "allegations", "female_victims"]
    got = sorted(tuple(row[name] for name in columns) for row in listed)
    wanted = [
        (number, place.offender_key, place.score, place.allegations, place.female_victims)
        for number, place in enumerate(places[:100], 1)
    ]
    assert_same_rows(got, wanted)
    standard = independent_methods.rank(feed, rows["v100"], SEEDS, published.list_date)
    (compared,) = (row for row in published.tables["method_comparison"] if row["method"] == method)
    own, its = ({place.offender_key for place in some[:100]} for some in (places, standard))
    assert compared["ranked_offenders"] == len(places)
    assert (compared["on_both_lists"], compared["only_on_this_list"]) == (len(own & its), len(own - its))
    assert compared["jaccard"] == pytest.approx(len(own & its) / len(own | its), abs=1e-6)
    wanted_correlation = independent_methods.rank_correlation(places, standard, 100)
    assert compared["rank_correlation"] == pytest.approx(wanted_correlation, abs=2e-6)


def test_every_turned_rule_agrees(published: Published) -> None:
    """Who would enter and leave with each condition of the published method changed."""
    feed, method = independent.read_feed(published.extracts), independent_methods.methods(SEEDS)["v100"]
    standing = {
        place.offender_key for place in independent_methods.rank(feed, method, SEEDS, published.list_date)[:100]
    }
    moved: dict[tuple[str, str], set[tuple[str, bool]]] = {}
    for row in published.tables["rule_effect_people"]:
        moves = moved.setdefault((row["turned_rule"], row["turned_to"]), set())
        moves.add((row["offender_key"], row["is_entering"]))
    turned = list(independent_methods.turned(method, SEEDS))
    assert {(rule, value) for rule, value, _ in turned} == {
        (row["turned_rule"], row["turned_to"]) for row in published.tables["rule_effect"]
    }
    for rule, value, other in turned:
        listed = {
            place.offender_key for place in independent_methods.rank(feed, other, SEEDS, published.list_date)[:100]
        }
        wanted = {(key, True) for key in listed - standing} | {(key, False) for key in standing - listed}
        assert (rule, moved.get((rule, value), set())) == (rule, wanted)


def test_an_allegation_is_drawn_as_often_as_its_digits_say() -> None:
    """Bounds of Poisson(1) by hand for nothing and once; eight redraws from each digest, the ninth from the next."""
    bounds = independent.poisson_bounds()
    assert bounds[:2] == [f"{round(65_536 * 0.36787944):04x}", f"{round(65_536 * 0.73575888):04x}"]
    # md5 of f|a|f|p|0 is cd20a293212b8e07e5eef9f05712e9e2, of f|a|f|p|1 it begins with 72ec.
    times = [independent.times_drawn("f|a|f|p", redraw, bounds) for redraw in range(1, 10)]
    assert times == [2, 1, 0, 1, 2, 3, 0, 2, 1]


def test_without_a_cutoff_everybody_is_redrawn(hand: Hand) -> None:
    """With two people and a hundred places, both are listed in every redraw, on place 1 or 2."""
    hand.man("m2").allegation("c1", code="19C").allegation("c2", man="m2", code="99/99")
    first, second = independent.redraw(hand.places())
    assert (first.listed_in_redraws, first.redrawn_rank_low, first.redrawn_rank_high) == (1, 1, 1)
    assert (second.largest_allegation_share, second.redrawn_rank_low, second.redrawn_rank_high) == (None, 2, 2)


@pytest.mark.parametrize("of", NEWEST)
def test_the_redraws_agree(refreshed: Refreshed, of: tuple[int, str]) -> None:
    """The places of each person in the redraws, and their dependence on one allegation: the same draws, without SQL."""
    published = refreshed(*of)
    rows = sorted(published.tables["rank_uncertainty"], key=lambda row: row["harm_rank"])
    wanted: list[tuple[Any, ...]] = [tuple(place) for place in independent.redraw(expected(published))]
    assert_same_rows([tuple(row[name] for name in independent.Redrawn._fields) for row in rows], wanted)


@pytest.mark.parametrize("of", NEWEST)
def test_places_without_the_gravest_allegation_agree_with_a_new_ranking(
    refreshed: Refreshed, of: tuple[int, str]
) -> None:
    """The gravest allegation of each of the hundred is left out of the extracts, and everybody is ranked again."""
    published = refreshed(*of)
    feed, rules = independent.read_feed(published.extracts), independent.read_rules(SEEDS)
    got = {row["offender_key"]: row["is_listed_without_largest"] for row in published.tables["rank_uncertainty"]}
    wanted = {
        place.offender_key: independent.is_listed_without_gravest(feed, rules, published.list_date, place)
        for place in expected(published)[:100]
    }
    assert {key: got[key] for key in wanted} == wanted
    assert set(wanted.values()) == {True, False}
    assert not any(is_listed for key, is_listed in got.items() if key not in wanted)


def test_the_boundary_agrees(published: Published) -> None:
    """The places around the cut-off, what separates them, and the ties across it."""
    rows = sorted(published.tables["rank_boundary"], key=lambda row: row["harm_rank"])
    wanted: list[tuple[Any, ...]] = [tuple(place) for place in independent.boundary(expected(published))]
    assert_same_rows([tuple(row[name] for name in independent.Boundary._fields) for row in rows], wanted)


MOVEMENT_KINDS = ("reported", "admitted", "passed", "cancelled", "excluded")


def test_every_movement_agrees(published: Published) -> None:
    """Who entered, stayed and left every list, the reason, and the allegations and harm that came and went."""
    reasons = set()
    for churn in published.tables["list_churn"]:
        dates = (churn["list_date"], churn["previous_list_date"])
        moved = independent.moved(published.extracts, *dates, SEEDS)
        got = [
            (
                *(row[name] for name in ("offender_key", "movement", "reason", "harm_rank", "harm_rank_before")),
                *((row[f"allegations_{kind}"], row[f"harm_days_{kind}"]) for kind in MOVEMENT_KINDS),
            )
            for row in sorted(published.tables["list_movements"], key=lambda row: row["offender_key"])
            if row["list_date"] == dates[0]
        ]
        assert_same_rows(got, [tuple(move) for move in moved])
        count = {name: sum(move.movement == name for move in moved) for name in ("entered", "stayed", "left")}
        assert [churn["entered"], churn["stayed"], churn["people_left"]] == list(count.values())
        assert churn["jaccard"] == count["stayed"] / sum(count.values())
        reasons |= {(move.movement, move.reason) for move in moved}
    assert len(reasons) > 5, "the samples would prove little"


def test_every_list_but_the_first_has_movements(published: Published) -> None:
    """Each monthly list is compared with the month-end before it, the list date with the latest of them."""
    months = sorted({row["list_date"] for row in published.tables["list_history"]})
    dates = sorted({*months, published.list_date})
    wanted = [(day, max(month for month in months if month < day)) for day in dates[1:]]
    churn = {(row["list_date"], row["previous_list_date"]): row for row in published.tables["list_churn"]}
    # The first list may be empty, so that the history does not show it.
    assert sorted(dates for dates in churn if dates[1] in months) == wanted
    assert all(row["places_before"] == 0 for dates, row in churn.items() if dates[1] not in months)
    assert len(churn) <= len(wanted) + 1
