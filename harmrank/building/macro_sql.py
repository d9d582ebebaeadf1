"""Renders dbt macros outside of dbt, so that their rules are written only once."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader

from harmrank.building.project import project_root


class _DuckDB:
    """Replaces dbt's adapter, which a macro asks for its DuckDB version."""

    def __init__(self) -> None:
        self.module: Any = None

    def dispatch(self, name: str, package: str) -> Any:
        """Returns the DuckDB version of a macro, or its default version."""
        return getattr(self.module, f"duckdb__{name}", None) or getattr(self.module, f"default__{name}")


@cache
def _module(file_name: str) -> Any:
    adapter = _DuckDB()
    environment = Environment(
        loader=FileSystemLoader(project_root() / "macros"),
        autoescape=False,  # noqa: S701 - this is SQL, not HTML, with no input from outside
    )
    template = environment.get_template(file_name, globals={"adapter": adapter, "return": lambda value: value})
    adapter.module = template.module
    return adapter.module


def normalise_offence_code(column: str) -> str:
    """Returns the SQL that turns an offence code into the form of the seeds."""
    return str(_module("text.sql").normalise_offence_code(column)).strip()
