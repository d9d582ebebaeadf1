"""Gives the SQL of a dbt macro to what runs outside of dbt, so that a rule still stands in one place."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader

from harmrank.building.project import project_root


class _DuckDB:
    """What a macro asks of dbt's adapter: its own form for DuckDB."""

    def __init__(self) -> None:
        self.module: Any = None

    def dispatch(self, name: str, package: str) -> Any:
        """The macro of that name as DuckDB has it, else as every engine does."""
        return getattr(self.module, f"duckdb__{name}", None) or getattr(self.module, f"default__{name}")


@cache
def _module(file_name: str) -> Any:
    adapter = _DuckDB()
    environment = Environment(
        loader=FileSystemLoader(project_root() / "macros"),
        autoescape=False,  # noqa: S701 - it is SQL, not HTML, and nothing from outside goes in
    )
    template = environment.get_template(file_name, globals={"adapter": adapter, "return": lambda value: value})
    adapter.module = template.module
    return adapter.module


def normalise_offence_code(column: str) -> str:
    """The SQL of an offence code in the one form the seeds use."""
    return str(_module("text.sql").normalise_offence_code(column)).strip()
