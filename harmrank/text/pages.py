"""Renders the HTML templates of this package. Every value is escaped; no page needs a network."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harmrank.text.wording import day, days, per_cent


def render(template: str, **content: Any) -> str:
    """Returns the page of a template. Raises jinja2.UndefinedError if the template uses a value that is missing."""
    return _environment().get_template(template).render(**content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harmrank"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = _share
    environment.filters.update(days=days, day=day, per_cent=per_cent, count="{:,}".format)
    return environment


def _share(value: float | None) -> str:
    """Returns a share (0 to 1) as a percentage; a small share never becomes `0.0 %`."""
    if value is None:
        return ""
    if 0 < value < 0.001:
        return "below 0.1 %"
    return f"{value:.1%}".replace("%", " %")
