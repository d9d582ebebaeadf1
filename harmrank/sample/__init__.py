"""A synthetic feed: monthly extracts of a police force, with invented people and the published shape of harm."""

from harmrank.sample.careers import SHAPES
from harmrank.sample.feed import DEFAULT_CRIMES, SampleSummary, write_sample

__all__ = ["DEFAULT_CRIMES", "SHAPES", "SampleSummary", "write_sample"]
