"""Where the dbt project is, its seeds, and its version."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

from harmrank import __version__

_RULES = ("dbt_project.yml", "models", "macros", "seeds", "expectations")


def project_root() -> Path:
    """Returns the folder of the dbt project: inside an installed wheel, otherwise the repository."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "project"
    return packaged if packaged.is_dir() else package.parent


def seed_rows(name: str) -> list[dict[str, str]]:
    """Returns the rows of a seed, as text by column."""
    with (project_root() / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def code_version() -> str:
    """Returns the version of harmrank with a digest of all rules, so that a changed seed or model is never "nothing new"."""
    root = project_root()
    digest = hashlib.sha256()
    for rule in _RULES:
        path = root / rule
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in files:
            digest.update(file.relative_to(root).as_posix().encode())
            digest.update(file.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"
