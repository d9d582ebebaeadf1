"""The floor's work in Polars: from the CSV files to the hundred, lazily, on its streaming engine. It stores nothing."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from parts import HUNDRED, Job, job_of

CRIME = ["force", "crime_ref"]
PERSON = ["force", "person_ref"]
SCORE = ["harm_days", "female_victims", "allegations", "latest_reported_on"]


def scan(job: Job, table: str) -> pl.LazyFrame:
    """Returns every row of every file of a table as text, with `version`, which is higher for newer rows."""
    files = sorted(job.extracts.glob(f"*/{table}*.csv*"))
    place = {str(file): number for number, file in enumerate(files)}
    names = pl.read_csv(files[0], n_rows=0).columns
    lazy = pl.scan_csv(
        files,
        # Polars cannot skip a row with one field too many: the last column detects it.
        schema=dict.fromkeys([*names, "too_many"], pl.String),
        null_values=["", "NULL", "null"],
        missing_columns="insert",
        truncate_ragged_lines=True,
        include_file_paths="file",
    )
    seconds = pl.col("updated_at").str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False).dt.epoch("s")
    return lazy.with_columns(
        version=seconds * len(files) + pl.col("file").replace_strict(place, return_dtype=pl.Int64),
        is_deleted=pl.col("deleted").is_in(["Y", "y"]).fill_null(False),
    ).filter(pl.col("too_many").is_null() & pl.col("force").is_not_null() & pl.col("version").is_not_null())


def newest(lazy: pl.LazyFrame, key: list[str], columns: list[str]) -> pl.LazyFrame:
    """Returns the newest version of each record that is not deleted."""
    found = lazy.group_by(key).agg(pl.col(*columns, "is_deleted").max_by("version"))
    return found.filter(~pl.col("is_deleted")).select(*key, *columns)


def day(column: str) -> pl.Expr:
    """Returns a date from its first ten characters, null if there is none."""
    return pl.col(column).str.head(10).str.to_date("%Y-%m-%d", strict=False)


def offences_in_scope(job: Job) -> pl.LazyFrame:
    """Returns code and weight in days of each offence in scope."""
    weights = pl.read_csv(job.seeds / "harm_weights.csv", infer_schema=False, null_values="")
    added = weights.filter(pl.col("harm_index") == "cchi_2020_supplemented")
    base = weights.filter(pl.col("harm_index") == "cchi_2020").filter(
        pl.col("offence_code").is_null() | ~pl.col("offence_code").is_in(added["offence_code"].drop_nulls().implode())
    )
    rows = pl.concat([added, base]).with_columns(pl.col("harm_days").cast(pl.Float64))
    named = pl.concat(
        [rows.select(offence_code=pl.col(c), harm_days="harm_days") for c in ("offence_code", "recorded_crime_code")]
    )
    lowest = named.drop_nulls("offence_code").group_by("offence_code").agg(pl.col("harm_days").min())
    offences = pl.read_csv(job.seeds / "offences.csv", infer_schema=False)
    in_scope = offences.filter(pl.col("vawg_scope") == "in").select("offence_code")
    return in_scope.join(lowest, on="offence_code", how="left").lazy()


def in_form(code: pl.Expr) -> pl.Expr:
    """Returns an offence code in the form of the seeds."""
    padded = code.str.zfill(5)
    return (
        pl.when(code.str.contains(r"^[0-9]{1,3}/[0-9]{1,2}$"))
        .then(
            pl.concat_str(
                code.str.split("/").list.get(0).str.zfill(3),
                code.str.split("/").list.get(1, null_on_oob=True).str.zfill(2),
                separator="/",
            )
        )
        .when(code.str.contains(r"^[0-9]{4,5}$"))
        .then(pl.concat_str(padded.str.slice(0, 3), padded.str.slice(3, 2), separator="/"))
        .otherwise(code.str.to_uppercase())
    )


def counted_crimes(job: Job, on: date) -> pl.LazyFrame:
    """Returns the crimes of the window that can count, with their weight."""
    read = scan(job, "crimes").with_columns(reported_on=day("reported_on"), cancelled_on=day("cancelled_on"))
    usable = read.filter(
        pl.col("crime_ref").is_not_null()
        & (pl.col("is_deleted") | (pl.col("offence_code").is_not_null() & pl.col("reported_on").is_not_null()))
    )
    crimes = newest(usable, CRIME, ["offence_code", "reported_on", "reported_by", "cancelled_on"])
    in_window = crimes.filter(
        (pl.col("reported_on") <= on)
        & (pl.col("reported_on") > on - timedelta(days=365))
        & (pl.col("cancelled_on").is_null() | (pl.col("cancelled_on") > on))
        & ~pl.col("reported_by").str.to_lowercase().is_in(["police", "company"]).fill_null(False)
    )
    coded = in_window.with_columns(offence_code=in_form(pl.col("offence_code")))
    return coded.join(offences_in_scope(job), on="offence_code").select(*CRIME, "reported_on", "harm_days")


def survivors(job: Job) -> pl.DataFrame:
    """Returns each record that was merged away and the record at the end of its chain."""
    read = scan(job, "person_merges").filter(
        pl.col("person_ref").is_not_null() & (pl.col("is_deleted") | pl.col("merged_into_ref").is_not_null())
    )
    step = newest(read, PERSON, ["merged_into_ref"]).collect()
    reached = step
    while True:
        onward = reached.join(step, left_on=["force", "merged_into_ref"], right_on=PERSON, how="left", suffix="_next")
        if onward["merged_into_ref_next"].null_count() == len(onward):
            return reached.rename({"merged_into_ref": "surviving_ref"})
        reached = onward.select(*PERSON, merged_into_ref=pl.coalesce("merged_into_ref_next", "merged_into_ref"))


def involved_in(job: Job, crimes: pl.LazyFrame) -> pl.LazyFrame:
    """Returns suspects and victims of these crimes, by surviving record of the person."""
    read = scan(job, "involvements").with_columns(pl.col("role", "status").str.to_lowercase())
    wanted = read.filter(pl.col("role").is_in(["suspect", "victim"]) & pl.col("person_ref").is_not_null())
    found = newest(wanted.join(crimes, on=CRIME, how="semi"), [*CRIME, "person_ref", "role"], ["status"])
    merged = found.join(survivors(job).lazy(), on=PERSON, how="left")
    return merged.with_columns(person_ref=pl.coalesce("surviving_ref", "person_ref"))


def people_of(job: Job, involved: pl.LazyFrame) -> pl.LazyFrame:
    """Returns sex, age and death of each of these people."""
    read = scan(job, "people").join(involved, on=PERSON, how="semi")
    typed = read.with_columns(
        sex=pl.col("sex").str.to_uppercase(),
        date_of_birth=day("date_of_birth"),
        birth_year=pl.col("birth_year").cast(pl.Int32, strict=False),
        deceased_on=day("deceased_on"),
    )
    return newest(typed, PERSON, ["sex", "date_of_birth", "birth_year", "deceased_on"])


def may_be_listed(on: date) -> pl.Expr:
    """Returns the condition: male, not known to be under 18, not known to be dead."""
    born = pl.col("date_of_birth")
    before_birthday = (on.month * 100 + on.day) < born.dt.month().cast(pl.Int32) * 100 + born.dt.day()
    age = pl.coalesce(on.year - born.dt.year() - before_birthday.cast(pl.Int32), on.year - pl.col("birth_year"))
    is_dead = (pl.col("deceased_on") <= on).fill_null(False)
    return (pl.col("sex") == "M") & ~is_dead & (age >= 18).fill_null(True)


def ranked(job: Job) -> pl.DataFrame:
    """Returns the hundred in order of place."""
    on = date.fromisoformat(job.list_date)
    crimes = counted_crimes(job, on).collect(engine="streaming").lazy()
    involved = involved_in(job, crimes).collect(engine="streaming").lazy()
    people = people_of(job, involved).collect(engine="streaming").lazy()
    known = involved.join(people, on=PERSON)
    women = known.filter((pl.col("role") == "victim") & (pl.col("sex") == "F")).select(*CRIME, woman="person_ref")
    cleared = pl.col("status").is_in(["eliminated", "acquitted"]).fill_null(False)
    suspects = known.filter((pl.col("role") == "suspect") & ~cleared & may_be_listed(on)).select(*CRIME, "person_ref")
    allegations = suspects.unique().join(women, on=CRIME, how="semi")
    victims = allegations.join(women, on=CRIME).group_by(PERSON).agg(female_victims=pl.col("woman").n_unique())
    scores = (
        allegations.join(crimes, on=CRIME)
        .group_by(PERSON)
        .agg(harm_days=pl.col("harm_days").sum(), allegations=pl.len(), latest_reported_on=pl.col("reported_on").max())
    )
    keyed = scores.join(victims, on=PERSON).with_columns(offender_key=pl.concat_str(PERSON, separator="|"))
    order = keyed.sort([*SCORE, "offender_key"], descending=[True] * 4 + [False])
    return order.head(100).collect(engine="streaming")


def main() -> None:
    """Ranks people and writes the hundred."""
    job = job_of(__doc__)
    hundred = ranked(job).with_row_index("harm_rank", offset=1).with_columns(list_date=pl.lit(job.list_date))
    columns = ["list_date", "harm_rank", "offender_key", "harm_days", "allegations", "female_victims"]
    hundred.select(columns).write_csv(job.out / HUNDRED)


if __name__ == "__main__":
    main()
