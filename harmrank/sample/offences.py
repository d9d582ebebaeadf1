"""The mix of offences, and the forms in which a records system writes their codes.

Weights are not known here: the mix was tuned by hand so that the sample, scored with the Cambridge Crime Harm
Index, has the published shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from harmrank.sample.columns import Column, Floats, pick, shares


class Space(IntEnum):
    """A kind of person. Sex and age follow from it, so no table of people is stored."""

    CAREER = 0  # a man accused of an offence against a woman or girl
    ALIAS = 1  # the same man under a second record
    SECOND_ALIAS = 2
    CAREER_WOMAN = 3  # victims in those careers
    CAREER_GIRL = 4
    VICTIM = 5
    MAN = 6
    WOMAN = 7
    SUSPECT = 8
    YOUNG_SUSPECT = 9
    FEMALE_SUSPECT = 10
    WITNESS = 11
    GHOST = 12  # never sent: the involvements of these people remain orphans
    CAREER_WITNESS = 13


NOBODY = -1


@dataclass(frozen=True)
class Kind:
    """One line of the crime mix outside careers. `share` is relative; rates are shares of such crimes."""

    code: str
    recorded: str
    share: float
    suspect_rate: float
    victim: int = Space.VICTIM
    victim_rate: float = 1.0
    suspect: int = Space.SUSPECT
    police_rate: float = 0.03
    company_rate: float = 0.01
    domestic_rate: float = 0.0
    historic_rate: float = 0.003


def _shop(code: str, recorded: str, share: float) -> Kind:
    return Kind(code, recorded, share, 0.28, victim_rate=0.02, company_rate=0.80)


def _proactive(code: str, recorded: str, share: float) -> Kind:
    return Kind(code, recorded, share, 0.88, victim_rate=0.0, police_rate=0.90)


def _against_men(code: str, recorded: str, share: float, historic: float = 0.01) -> Kind:
    return Kind(code, recorded, share, 0.42, victim=Space.MAN, domestic_rate=0.14, historic_rate=historic)


def _no_suspect(code: str, recorded: str, share: float, historic: float = 0.02) -> Kind:
    return Kind(code, recorded, share, 0.0, victim=Space.WOMAN, domestic_rate=0.12, historic_rate=historic)


def _by_youth(code: str, recorded: str, share: float) -> Kind:
    return Kind(code, recorded, share, 1.0, victim=Space.WOMAN, suspect=Space.YOUNG_SUSPECT)


def _by_woman(code: str, recorded: str, share: float) -> Kind:
    return Kind(code, recorded, share, 1.0, victim=Space.WOMAN, suspect=Space.FEMALE_SUSPECT, domestic_rate=0.2)


# Shares follow the published make-up of recorded crime in London, rounded by hand. Violence and sexual offences
# against women and girls with an adult man as suspect are not here: they come from careers.
KINDS = (
    Kind("045/10", "45", 76, 0.03),
    Kind("048/01", "48", 34, 0.06),
    Kind("126/00", "126", 12, 0.06),
    Kind("037/02", "37.2", 2, 0.20),
    Kind("039/00", "39", 88, 0.02),
    Kind("049/10", "49", 74, 0.07),
    Kind("040/00", "40", 12, 0.28),
    Kind("041/00", "41", 4, 0.60, victim_rate=0.1, company_rate=0.7),
    Kind("044/00", "44", 17, 0.02),
    _shop("046/00", "46", 92),
    _shop("053/25", "49A", 7),
    Kind("028/03", "28G", 3, 0.10),
    Kind("028/00", "28E", 38, 0.07),
    Kind("030/02", "30C", 16, 0.10, victim_rate=0.15, company_rate=0.6),
    Kind("029/00", "29A", 2, 0.30),
    Kind("034/02", "34B", 33, 0.13),
    Kind("034/01", "34A", 4, 0.22, victim_rate=0.3, company_rate=0.4),
    Kind("053/40", "53D", 9, 0.15, historic_rate=0.05),
    Kind("035/00", "35", 4, 0.12),
    Kind("149/00", "58A", 22, 0.20, domestic_rate=0.15),
    Kind("058/02", "58C", 26, 0.10),
    Kind("058/03", "58D", 14, 0.20),
    Kind("056/02", "56B", 2, 0.12),
    _proactive("092/61", "92E", 34),
    _proactive("092/50", "92D", 12),
    _proactive("092/70", "92A", 9),
    _proactive("092/30", "92A", 4),
    _proactive("008/11", "10C", 3),
    _proactive("008/26", "10D", 6),
    _proactive("033/00", "33", 2),
    _proactive("038/01", "38", 2),
    Kind("125/09", "9A", 32, 0.28),
    Kind("125/11", "9A", 15, 0.32),
    Kind("066/91", "9B", 10, 0.30),
    Kind("066/01", "66", 4, 0.60, victim_rate=0.3, police_rate=0.4),
    Kind("066/39", "66", 6, 0.95, victim=Space.WOMAN, domestic_rate=0.9),
    Kind("008/73", "104", 11, 0.90, police_rate=0.9),
    _against_men("105/01", "105A", 40),
    _against_men("008/06", "8N", 26),
    _against_men("195/94", "8L", 14),
    _against_men("008/72", "8R", 15),
    _against_men("003/01", "3B", 8),
    _against_men("008/01", "8N", 6),
    _against_men("005/01", "5D", 6),
    _against_men("008/67", "105A", 1),
    _against_men("017/15", "17A", 2, 0.2),
    _against_men("019/10", "19F", 1, 0.3),
    _against_men("008/77", "", 1),
    _against_men("001/01", "1", 0.08),
    _no_suspect("105/01", "105A", 34),
    _no_suspect("008/06", "8N", 16),
    _no_suspect("195/94", "8L", 18),
    _no_suspect("008/72", "8R", 19),
    _no_suspect("195/12", "8Q", 7),
    _no_suspect("003/01", "3B", 4),
    _no_suspect("020/05", "20A", 10, 0.15),
    _no_suspect("088/09", "88E", 4),
    _no_suspect("088/14", "88E", 1),
    _no_suspect("019/08", "19C", 3, 0.3),
    _no_suspect("019/07", "19D", 1, 0.4),
    _by_youth("105/01", "105A", 5),
    _by_youth("008/06", "8N", 2),
    _by_youth("020/05", "20A", 1),
    _by_youth("019/07", "19D", 0.3),
    _by_woman("105/01", "105A", 9),
    _by_woman("008/06", "8N", 4),
    _by_woman("195/94", "8L", 4),
)

# Offences of an adult man against a woman: first the lesser ones, which make up most careers.
LESSER = (
    ("105/01", "105A", 27.0),
    ("008/06", "8N", 13.0),
    ("195/94", "8L", 9.0),
    ("008/72", "8R", 9.0),
    ("125/68", "8L", 2.0),
    ("003/01", "3B", 4.0),
    ("195/12", "8Q", 4.0),
    ("008/71", "8R", 1.0),
    ("088/09", "88E", 2.0),
    ("088/10", "88E", 1.0),
    ("088/15", "", 0.2),
    ("008/60", "8P", 1.6),
    ("008/58", "8M", 0.7),
    ("008/01", "8N", 5.5),
    ("020/05", "20A", 15.0),
    ("008/67", "105A", 14.0),
    ("008/65", "8Q", 7.5),
    ("008/64", "10D", 1.0),
    ("008/66", "8Q", 1.4),
)
SERIOUS = (
    ("019/08", "19C", 42.0),
    ("019/12", "19C", 4.0),
    ("008/77", "", 26.0),
    ("020/03", "20A", 6.0),
    ("022/02", "22A", 2.0),
    ("036/01", "36", 6.0),
    ("036/03", "36", 4.0),
    ("005/01", "5D", 9.0),
    ("088/01", "88A", 1.0),
)
SERIOUS_AGAINST_GIRLS = (
    ("019/07", "19D", 36.0),
    ("019/16", "19E", 22.0),
    ("020/06", "20B", 14.0),
    ("022/06", "22B", 18.0),
    ("020/04", "20B", 4.0),
    ("021/02", "21", 3.0),
    ("023/15", "23", 3.0),
)
RAPE = (("019/08", "19C", 93.0), ("019/12", "19C", 7.0))
RAPE_OF_GIRLS = (("019/07", "19D", 60.0), ("019/16", "19E", 40.0))
GRAVE = (("036/01", "36", 30.0), ("005/01", "5D", 25.0), ("002/00", "2", 45.0))
KILLING = (("001/01", "1", 80.0), ("002/00", "2", 20.0))
NEEDS_PARTNER = ("008/67",)
STRANGER_OFFENCES = ("088/09", "088/10")
LONG_SILENCE = ("017", "019", "020", "021", "022", "023", "088")
UNKNOWN_CODES = ("999/97", "T/REC", "88888")

_MIXES = (LESSER, SERIOUS, SERIOUS_AGAINST_GIRLS, RAPE, RAPE_OF_GIRLS, GRAVE, KILLING)
OFFENCES: tuple[tuple[str, str], ...] = tuple(
    dict.fromkeys(
        [(kind.code, kind.recorded) for kind in KINDS] + [(code, prc) for mix in _MIXES for code, prc, _ in mix]
    )
)
FORMS = 4
_FORM_SHARES = shares([0.82, 0.08, 0.04, 0.06])


def _forms(code: str, recorded: str) -> tuple[str, ...]:
    """Returns the forms of a code: 019/08 as `019/08`, `01908`, `19/8` and `19C`, or `019/08` again without a recorded-crime code."""
    head, tail = code.split("/")
    return code, head + tail, f"{int(head)}/{int(tail)}", recorded or code


CODE_TEXTS: tuple[str, ...] = tuple(text for offence in OFFENCES for text in _forms(*offence)) + UNKNOWN_CODES
FIRST_UNKNOWN = len(OFFENCES) * FORMS


@dataclass(frozen=True)
class Mix:
    """Offences with their shares, ready to draw from."""

    offences: Column
    cumulative: Floats

    def draw(self, rng: np.random.Generator, n: int) -> Column:
        """Returns `n` offences as positions in OFFENCES."""
        return np.asarray(self.offences[pick(self.cumulative, rng.random(n))])


def mix(lines: tuple[tuple[str, str, float], ...]) -> Mix:
    """Returns a mix from its lines."""
    places = [OFFENCES.index((code, recorded)) for code, recorded, _ in lines]
    return Mix(np.array(places, dtype=np.int64), shares([share for _, _, share in lines]))


def written(rng: np.random.Generator, offence: Column) -> Column:
    """Returns the written form of each offence as a position in CODE_TEXTS."""
    return np.asarray(offence * FORMS + pick(_FORM_SHARES, rng.random(len(offence))))


def is_one_of(codes: tuple[str, ...]) -> Column:
    """Returns 1 for each offence whose code starts with one of the given, otherwise 0; indexed by offence."""
    return np.array([int(code.startswith(codes)) for code, _ in OFFENCES], dtype=np.int64)
