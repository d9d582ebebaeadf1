"""Pages that need no network: templates of this package, filled in. Everything put into them is escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from harmrank.text.wording import day, days, per_cent


def render(template: str, **content: Any) -> str:
    """The page of a template. Raises jinja2.UndefinedError where the template asks for what it is not given."""
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
    """A share of 1 as a percentage that never calls something nothing."""
    if value is None:
        return ""
    if 0 < value < 0.001:
        return "below 0.1 %"
    return f"{value:.1%}".replace("%", " %")
