"""The warehouse as an analyst writes it in pandas: every extract read, the newest version of each record, merges,
allegations, scores, the list of every month end, and the six tables of the mart as Parquet. It reads only needed columns
and stores only the mart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from parts import HUNDRED, Job, job_of

CRIME = ["force", "crime_ref"]
PERSON = ["force", "person_ref"]
OFFENDER = ["list_date", "offender_key"]
KEYS = {
    "crimes": CRIME,
    "people": PERSON,
    "involvements": [*CRIME, "person_ref", "role"],
    "custody": [*PERSON, "custody_from"],
    "person_merges": PERSON,
}
USED = {
    "crimes": [
        *("offence_code", "reported_on", "committed_from", "committed_to", "reported_by", "outcome_type"),
        *("cancelled_on", "area_code"),
    ],
    "people": ["date_of_birth", "birth_year", "sex", "deceased_on"],
    "involvements": ["status"],
    "custody": ["custody_to"],
    "person_merges": ["merged_into_ref"],
}
REQUIRED = {"crimes": ["offence_code", "reported_on"], "person_merges": ["merged_into_ref"]}
DAYS = ["reported_on", "committed_from", "committed_to", "cancelled_on", "date_of_birth", "deceased_on", "custody_from"]
WORDS = {
    "role": ["suspect", "victim", "witness"],
    "status": ["eliminated", "acquitted", "named", "arrested", "charged", "convicted"],
    "reported_by": ["victim", "witness", "third_party", "police", "company"],
    "sex": ["M", "F", "X", "U"],
}
INDEX = "cchi_2020_supplemented"
ORDER = ["harm_days", "female_victims", "allegations", "latest_reported_on"]


@dataclass(frozen=True)
class Table:
    """The current records of one table, and how many rows of each extract were read, kept and replaced."""

    records: pd.DataFrame
    reconciliation: pd.DataFrame


def read(job: Job, name: str) -> pd.DataFrame:
    """Returns every row of every file of a table, as text, in order, with its extract; counts rows of the wrong width."""
    frames = []
    for file in sorted(job.extracts.glob(f"*/{name}*.csv*")):
        broken: list[Any] = []

        def put_aside(row: Any, broken: list[Any] = broken) -> str:
            broken.append(row)
            return "skip"

        frame = pd.read_csv(
            file,
            engine="pyarrow",
            usecols=[*KEYS[name], *USED[name], "updated_at", "deleted"],
            dtype="str",
            na_values=["", "NULL", "null"],
            keep_default_na=False,
            on_bad_lines=put_aside,
        )
        frames.append(frame.assign(extract_id=file.parent.name))
        if broken:
            frames.append(pd.DataFrame({"extract_id": [file.parent.name] * len(broken)}, dtype="str"))
    return pd.concat(frames, ignore_index=True)


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Returns typed dates, numbers and words; unusable values are missing."""
    for column in frame.columns.intersection([*DAYS, "custody_to"]):
        frame[column] = pd.to_datetime(frame[column].str[:10], format="%Y-%m-%d", errors="coerce")
    for column in frame.columns.intersection(list(WORDS)):
        words = frame[column].str.upper() if column == "sex" else frame[column].str.lower()
        frame[column] = pd.Categorical(words.where(words.isin(WORDS[column])), categories=WORDS[column], ordered=True)
    for column in frame.columns.intersection(["birth_year", "outcome_type"]):
        frame[column] = pd.to_numeric(frame[column], errors="coerce")
    frame["updated_at"] = pd.to_datetime(frame["updated_at"], format="%Y-%m-%dT%H:%M:%S", errors="coerce")
    frame["deleted"] = frame["deleted"].isin(["Y", "y"])
    return frame


def load(job: Job, name: str) -> Table:
    """Reads a table and returns the newest version of each record."""
    frame = typed(read(job, name))
    usable = frame[[*KEYS[name], "updated_at"]].notna().all(axis=1)
    usable &= frame["deleted"] | frame[REQUIRED.get(name, [])].notna().all(axis=1)
    rows_read = frame.groupby("extract_id").size()
    landed = frame[usable]
    newest = landed.sort_values("updated_at", kind="stable").drop_duplicates(KEYS[name], keep="last")
    counts = pd.DataFrame(
        {
            "rows_read": rows_read,
            "rows_landed": landed.groupby("extract_id").size(),
            "rows_current": newest[~newest["deleted"]].groupby("extract_id").size(),
            "rows_deleted": newest[newest["deleted"]].groupby("extract_id").size(),
        }
    )
    counts = counts.fillna(0).astype("int64")
    counts["rows_quarantined"] = counts["rows_read"] - counts["rows_landed"]
    counts["rows_superseded"] = counts["rows_landed"] - counts["rows_current"] - counts["rows_deleted"]
    reconciliation = counts.reset_index().assign(table_name=name)
    return Table(newest.loc[~newest["deleted"], [*KEYS[name], *USED[name]]], reconciliation)


def surviving(merges: pd.DataFrame) -> pd.DataFrame:
    """Returns each record that was merged away and the record at the end of its chain."""
    reached = merges.rename(columns={"merged_into_ref": "surviving_ref"})
    while True:
        onward = reached.merge(merges, left_on=["force", "surviving_ref"], right_on=PERSON, how="left")
        if onward["merged_into_ref"].isna().all():
            return reached
        further = onward["merged_into_ref"].fillna(onward["surviving_ref"])
        reached = reached.assign(surviving_ref=further.to_numpy())


def with_key(frame: pd.DataFrame, merged: pd.DataFrame) -> pd.DataFrame:
    """Returns the frame with person_key, the surviving record of the person."""
    frame = frame.merge(merged, on=PERSON, how="left")
    frame["person_key"] = frame["force"] + "|" + frame["surviving_ref"].fillna(frame["person_ref"])
    return frame.drop(columns=["surviving_ref", "person_ref"])


def in_form(code: str) -> str:
    """Returns an offence code in the form of the seeds."""
    left, slash, right = code.partition("/")
    if slash and left.isdigit() and right.isdigit() and len(left) <= 3 and len(right) <= 2:
        return f"{left.zfill(3)}/{right.zfill(2)}"
    if code.isdigit() and len(code) in (4, 5):
        return f"{code.zfill(5)[:3]}/{code.zfill(5)[3:]}"
    return code.upper()


def offences(job: Job, spellings: pd.Series) -> pd.DataFrame:
    """Returns code, title, scope and weight of each spelling of an offence code."""
    weights = pd.read_csv(job.seeds / "harm_weights.csv", dtype={"offence_code": "str", "recorded_crime_code": "str"})
    added = weights[weights["harm_index"] == INDEX]
    base = weights[weights["harm_index"] == "cchi_2020"]
    base = base[base["offence_code"].isna() | ~base["offence_code"].isin(added["offence_code"].dropna())]
    rows = pd.concat([added, base])
    codes = ["offence_code", "recorded_crime_code"]
    named = pd.concat(
        [rows[[code, "harm_days", "harm_days_highest"]].set_axis(["code", "low", "high"], axis=1) for code in codes]
    )
    lowest = named.dropna(subset="code").groupby("code").agg(harm_days=("low", "min"), highest=("high", "max"))
    titles = pd.read_csv(job.seeds / "offences.csv", dtype="str")[["offence_code", "offence", "vawg_scope"]]
    found = pd.DataFrame({"spelling": spellings.unique()})
    found["offence_code"] = found["spelling"].map(in_form)
    found = found.merge(titles, on="offence_code", how="left").merge(
        lowest, left_on="offence_code", right_index=True, how="left"
    )
    found["weight_is_ambiguous"] = found["harm_days"].notna() & (found["harm_days"] != found["highest"])
    return found.drop(columns="highest")


def weighed(job: Job, crimes: pd.DataFrame) -> pd.DataFrame:
    """Returns the current crimes with title, scope and weight of their offence."""
    crimes = crimes.rename(columns={"offence_code": "spelling"})
    crimes = crimes.merge(offences(job, crimes["spelling"]), on="spelling").drop(columns="spelling")
    crimes["reported_by"] = crimes["reported_by"].fillna("victim")
    crimes["last_committed_on"] = crimes["committed_to"].fillna(crimes["committed_from"])
    crimes["is_detected"] = crimes["outcome_type"].between(1, 8)
    return crimes


def allegations_of(
    crimes: pd.DataFrame, involved: pd.DataFrame, people: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Returns each allegation that counts on some list date, and the female victims of each crime."""
    counted = crimes[(crimes["vawg_scope"] == "in") & crimes["reported_by"].isin(["victim", "witness", "third_party"])]
    involved = involved[involved["role"].isin(["suspect", "victim"])].merge(counted[CRIME], on=CRIME)
    women = people.loc[people["sex"] == "F", "person_key"]
    victims = involved.loc[(involved["role"] == "victim") & involved["person_key"].isin(women), [*CRIME, "person_key"]]
    victims = victims.drop_duplicates().rename(columns={"person_key": "victim_key"})
    suspects = involved[involved["role"] == "suspect"].copy()
    suspects["status"] = suspects["status"].fillna("named").cat.codes
    suspects = suspects.groupby([*CRIME, "person_key"], as_index=False)["status"].max()
    suspects["status"] = pd.Categorical.from_codes(suspects["status"], WORDS["status"], ordered=True)
    suspects = suspects[suspects["status"] >= "named"]
    suspects = suspects.merge(people[people["sex"] == "M"].drop(columns="sex"), on="person_key")
    per_crime = victims.groupby(CRIME, as_index=False).agg(female_victims=("victim_key", "size"))
    allegations = suspects.merge(per_crime, on=CRIME).merge(counted, on=CRIME)
    allegations["is_historic"] = (allegations["reported_on"] - allegations["last_committed_on"]).dt.days > 365
    return allegations.rename(columns={"person_key": "offender_key"}), victims


def list_dates(allegations: pd.DataFrame, on: pd.Timestamp) -> list[pd.Timestamp]:
    """Returns every month end since the first allegation, and the list date."""
    sane = allegations.loc[allegations["reported_on"] >= on - pd.Timedelta(days=43830), "reported_on"]
    month_ends = [] if sane.empty else pd.date_range(sane.min(), on, freq="ME", normalize=True).to_list()
    return month_ends if on in month_ends else [*month_ends, on]


def counted_on(allegations: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """Returns the allegations that count on one list date."""
    reported, born = allegations["reported_on"], allegations["date_of_birth"]
    before_birthday = born.dt.month * 100 + born.dt.day > on.month * 100 + on.day
    age = (on.year - born.dt.year - before_birthday).where(born.notna(), on.year - allegations["birth_year"])
    counts = (
        (reported <= on)
        & (reported > on - pd.Timedelta(days=365))
        & ~(allegations["cancelled_on"] <= on)
        & ~(allegations["deceased_on"] <= on)
        & ~(age < 18)
    )
    return allegations[counts].assign(list_date=on)


def ranked_on(allegations: pd.DataFrame, victims: pd.DataFrame) -> pd.DataFrame:
    """Returns the offenders of one list date in order."""
    women = allegations[[*OFFENDER, *CRIME]].merge(victims, on=CRIME).groupby(OFFENDER)["victim_key"].nunique()
    parts = {
        "harm_days_named": allegations["status"].isin(["named", "arrested"]),
        "harm_days_charged": allegations["status"] == "charged",
        "harm_days_convicted": allegations["status"] == "convicted",
    }
    days = allegations["harm_days"]
    frame = allegations.assign(
        is_unweighted=days.isna(), **{name: days.where(is_part, 0.0).fillna(0.0) for name, is_part in parts.items()}
    )
    scores = frame.groupby(OFFENDER).agg(
        harm_days=("harm_days", "sum"),
        allegations=("harm_days", "size"),
        first_reported_on=("reported_on", "min"),
        latest_reported_on=("reported_on", "max"),
        unweighted_allegations=("is_unweighted", "sum"),
        **{name: (name, "sum") for name in parts},
    )
    scores["female_victims"] = women
    scores["is_tied"] = scores.duplicated(ORDER, keep=False)
    scores = scores.reset_index().sort_values([*ORDER, "offender_key"], ascending=[False] * 4 + [True])
    return scores.assign(harm_rank=range(1, len(scores) + 1))


def in_custody(custody: pd.DataFrame, on: pd.Timestamp) -> pd.Series:
    """Returns the keys of the people in custody on a date."""
    return custody.loc[(custody["custody_from"] <= on) & ~(custody["custody_to"] <= on), "person_key"]


def places(evidence: pd.DataFrame, listed: pd.DataFrame, history: pd.DataFrame, custody: pd.Series) -> pd.DataFrame:
    """Returns the hundred with all columns of the mart."""
    weight = evidence["harm_days"].fillna(-1)
    order = evidence.assign(weight=weight).sort_values(
        ["weight", "reported_on", *CRIME], ascending=[False, False, True, True]
    )
    serious = order.drop_duplicates("offender_key").set_index("offender_key")
    earlier = history[history["list_date"] < listed["list_date"].iloc[0]]
    last = earlier[earlier["list_date"] == earlier["list_date"].max()].set_index("offender_key")["harm_rank"]
    key = listed["offender_key"]
    return listed.assign(
        most_serious_offence=key.map(serious["offence"].fillna(serious["offence_code"])),
        most_serious_offence_code=key.map(serious["offence_code"]),
        previous_rank=key.map(last).astype("Int64"),
        months_on_list=key.map(earlier["offender_key"].value_counts()).fillna(0).astype("int64") + 1,
        is_in_custody=key.isin(custody),
    )


def by_month(crimes: pd.DataFrame, on: pd.Timestamp) -> pd.DataFrame:
    """Returns crimes and harm by area and month."""
    crimes = crimes[(crimes["reported_on"] <= on) & ~(crimes["cancelled_on"] <= on)]
    days = crimes["harm_days"].fillna(0.0)
    police, company = crimes["reported_by"] == "police", crimes["reported_by"] == "company"
    past = crimes["last_committed_on"].dt.year < crimes["reported_on"].dt.year
    current = ~police & ~company & ~past
    frame = pd.DataFrame(
        {
            "month": crimes["reported_on"].dt.to_period("M").dt.to_timestamp(),
            "area_code": crimes["area_code"].fillna("unknown"),
            "crimes": 1,
            "harm_days": days.where(current, 0.0),
            "historic_harm_days": days.where(past & ~police & ~company, 0.0),
            "proactive_harm_days": days.where(police, 0.0),
            "company_harm_days": days.where(company, 0.0),
            "detected_harm_days": days.where(current & crimes["is_detected"], 0.0),
        }
    )
    return frame.groupby(["month", "area_code"], as_index=False).sum()


PLACE = ["list_date", "harm_rank", "offender_key", "harm_days", "allegations", "female_victims"]
EVIDENCE = [
    *("list_date", "harm_rank", "offender_key", "force", "crime_ref", "offence_code", "offence", "reported_on"),
    *("committed_from", "status", "outcome_type", "female_victims", "harm_index", "harm_days", "is_historic"),
    "weight_is_ambiguous",
]


def build(job: Job) -> dict[str, pd.DataFrame]:
    """Returns the tables of the mart by name."""
    on = pd.Timestamp(job.list_date)
    tables = {name: load(job, name) for name in KEYS}
    merged = surviving(tables["person_merges"].records)
    crimes = weighed(job, tables["crimes"].records)
    people = tables["people"].records.merge(merged, on=PERSON, how="left")
    people = with_key(people[people["surviving_ref"].isna()].drop(columns="surviving_ref"), merged).drop(
        columns="force"
    )
    allegations, victims = allegations_of(crimes, with_key(tables["involvements"].records, merged), people)
    counted = {date: counted_on(allegations, date) for date in list_dates(allegations, on)}
    ranked = {date: ranked_on(found, victims) for date, found in counted.items()}
    monthly = [frame.head(100) for date, frame in ranked.items() if date.is_month_end]
    history = pd.concat(monthly)[PLACE] if monthly else ranked[on].head(0)[PLACE]
    listed = ranked[on].head(100)
    evidence = counted[on].merge(listed[["offender_key", "harm_rank"]], on="offender_key").assign(harm_index=INDEX)
    custody = in_custody(with_key(tables["custody"].records, merged), on)
    return {
        "top_100": places(evidence, listed, history, custody),
        "top_100_evidence": evidence[EVIDENCE],
        "offender_harm": ranked[on],
        "list_history": history,
        "crime_harm_monthly": by_month(crimes, on),
        "extract_reconciliation": pd.concat([table.reconciliation for table in tables.values()], ignore_index=True),
    }


def main() -> None:
    """Builds the mart, writes it as Parquet, and writes the hundred."""
    job = job_of(__doc__)
    mart = build(job)
    for name, table in mart.items():
        table.to_parquet(job.out / f"{name}.parquet", index=False)
    mart["top_100"][PLACE].to_csv(job.out / HUNDRED, index=False)


if __name__ == "__main__":
    main()
