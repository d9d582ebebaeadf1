"""Invents people: every attribute follows from the number of the person and the seed, so none is stored."""

from __future__ import annotations

import numpy as np

from harmrank.sample import defects, names
from harmrank.sample.columns import JUNK, MISSING, NO_DAY, Column, Columns, Floats, Mask, pick, scatter, shares
from harmrank.sample.offences import Space

MALE, FEMALE, OTHER, UNKNOWN = 0, 1, 2, 3
_YEAR = 365.25
_SPACES = 16

# Chances of male, female, other and unknown for each kind of person, before unusable values replace some.
_FEMALE = (0.0, 1.0, 0.0, 0.0)
_MALE = (1.0, 0.0, 0.0, 0.0)
_WITNESS = (0.49, 0.49, 0.005, 0.015)
_SEX: dict[int, tuple[float, float, float, float]] = {
    Space.CAREER_WOMAN: _FEMALE,
    Space.CAREER_GIRL: _FEMALE,
    Space.WOMAN: _FEMALE,
    Space.FEMALE_SUSPECT: _FEMALE,
    Space.VICTIM: (0.52, 0.468, 0.002, 0.01),
    Space.SUSPECT: (0.83, 0.158, 0.002, 0.01),
    Space.YOUNG_SUSPECT: (0.8, 0.197, 0.003, 0.0),
    Space.WITNESS: _WITNESS,
    Space.CAREER_WITNESS: _WITNESS,
}
# Youngest and oldest age in years on the first day of the feed.
_AGES: dict[int, tuple[float, float]] = {
    Space.CAREER_GIRL: (3.0, 13.5),
    Space.YOUNG_SUSPECT: (10.2, 15.9),
    Space.VICTIM: (12.0, 88.0),
    Space.SUSPECT: (12.0, 70.0),
}
_ADULT = (18.1, 74.0)
_SUSPECTS = (Space.CAREER, Space.ALIAS, Space.SECOND_ALIAS, Space.SUSPECT, Space.YOUNG_SUSPECT, Space.FEMALE_SUSPECT)
_FAMILY = shares(names.FAMILY_SHARES)
_ETHNICITY = shares(names.ETHNICITY_SHARES)
_MISSING_BIRTH = 0.06
_YEAR_ONLY = 0.05
_DIES = 0.006
_LIFE_OF_FEED = 1_500


def attributes(people: Column, seed: int, epoch: int, today: int, moves: int = 0) -> Columns:
    """Returns the attributes of people as an extract taken on `today` shows them (days; `epoch` is the feed's first).

    A second record of a man carries the same name and sex, but often less of the rest.
    """
    space = people % _SPACES
    alias = (space == Space.ALIAS) | (space == Space.SECOND_ALIAS)
    key = np.where(alias, people - space, people) + (seed << 40)
    sex = _sexes(key, space)
    family = pick(_FAMILY, scatter(key, 3))
    birth, year = _births(key, space, alias, epoch)
    died = epoch + (scatter(key, 20) * _LIFE_OF_FEED).astype(np.int64)
    return {
        "person": people,
        "forename": _forenames(sex, family, scatter(key, 4)),
        "middle": np.where((scatter(key, 5) < 0.3) & ~alias, _forenames(sex, family, scatter(key, 6)), MISSING),
        "surname": _place(_SURNAME_STARTS, family, scatter(key, 7)),
        "birth": birth,
        "birth_year": year,
        "sex": _defective(sex, key),
        "ethnicity": np.where(scatter(key, 9) < 0.22, MISSING, pick(_ETHNICITY, scatter(key, 10))),
        "pnc": np.where(
            _is_in(space, _SUSPECTS) & (scatter(key, 11) < 0.45), (scatter(key, 12) * 1e9).astype(np.int64), MISSING
        ),
        "postcode": np.where(scatter(key, 13) < 0.12, MISSING, (scatter(key, 14 + 100 * moves) * 1e9).astype(np.int64)),
        "deceased": np.where((scatter(key, 15) < _DIES) & (died <= today), died, NO_DAY),
    }


def _starts(lists: list[int]) -> Column:
    return np.cumsum([0, *lists]).astype(np.int64)


_MALE_STARTS = _starts([len(men.split()) for men, _, _ in names.FAMILIES])
_FEMALE_STARTS = _starts([len(women.split()) for _, women, _ in names.FAMILIES])
_SURNAME_STARTS = _starts([len(last.split()) for _, _, last in names.FAMILIES])


def _place(starts: Column, family: Column, u: Floats) -> Column:
    return np.asarray(starts[family] + (u * (starts[family + 1] - starts[family])).astype(np.int64))


def _forenames(sex: Column, family: Column, u: Floats) -> Column:
    return np.where(sex == FEMALE, len(names.MALE) + _place(_FEMALE_STARTS, family, u), _place(_MALE_STARTS, family, u))


def _is_in(space: Column, spaces: tuple[Space, ...]) -> Mask:
    return np.isin(space, np.array(spaces))


_SEX_TABLE = np.stack([shares(_SEX.get(space, _MALE)) for space in range(_SPACES)])
_AGE_TABLE = np.array([_AGES.get(space, _ADULT) for space in range(_SPACES)])


def _sexes(key: Column, space: Column) -> Column:
    u = scatter(key, 1)
    return np.asarray((u[:, None] >= _SEX_TABLE[space]).sum(axis=1).astype(np.int64))


def _defective(sex: Column, key: Column) -> Column:
    """Returns the recorded sex: usually the sex, sometimes unknown, missing or unusable."""
    u = scatter(key, 8)
    unknown, blank = defects.SEX_UNKNOWN, defects.SEX_UNKNOWN + defects.SEX_BLANK
    said = np.where(u < unknown, UNKNOWN, np.where(u < blank, MISSING, sex))
    return np.where((u >= blank) & (u < blank + defects.SEX_JUNK), JUNK, said)


def _births(key: Column, space: Column, alias: Mask, epoch: int) -> tuple[Column, Column]:
    """Returns the date of birth and, if only that is known, the year of birth."""
    youngest, oldest = _AGE_TABLE[space, 0], _AGE_TABLE[space, 1]
    age = youngest + (oldest - youngest) * scatter(key, 16) ** 1.6
    birth = (epoch - age * _YEAR).astype(np.int64)
    u = scatter(key, 17)
    year_only = (u >= _MISSING_BIRTH) & ((u < _MISSING_BIRTH + _YEAR_ONLY) | (alias & (u < 0.4)))
    year = birth.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return np.where((u < _MISSING_BIRTH) | year_only, NO_DAY, birth), np.where(year_only, year, MISSING)
