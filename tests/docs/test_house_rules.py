"""The house rules about files (docs/house-rules.md), and the page itself."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from conftest import REPOSITORY
from models.test_manifest import RULES

MOST_LINES = 500
MOST_MODULES_IN_A_FOLDER = 12
# Words that readers had to decode, and what to write.
WORDS = {
    "anew": "again, or rebuilt",
    "nought": "zero",
    "stood": "was",
    "told": "shown, known, or named",
    "whoever": "the reader, the person",
    "ended well": "succeeded",
    "cannot be told": "is not known",
}
TEXTS = ("harmrank", "models", "macros", "docs", "seeds", "expectations", "analyses")
SUFFIXES = {".py", ".sql", ".yml", ".md", ".html", ".jinja"}


def modules_too_long(root: Path) -> list[str]:
    """A module has at most 500 lines."""
    paths = sorted(root.rglob("*.py"))
    return [
        path.relative_to(root).as_posix()
        for path in paths
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    ]


def folders_too_full(root: Path) -> list[str]:
    """A folder holds at most twelve modules, `__init__.py` aside."""
    folders = Counter(path.parent for path in root.rglob("*.py") if path.name != "__init__.py")
    return sorted(folder.name for folder, count in folders.items() if count > MOST_MODULES_IN_A_FOLDER)


def test_no_module_of_the_package_is_too_long() -> None:
    """Split it by what it does."""
    assert modules_too_long(REPOSITORY / "harmrank") == []


def test_no_folder_of_the_package_is_too_full() -> None:
    """Split it by stage or idea."""
    assert folders_too_full(REPOSITORY / "harmrank") == []


def test_what_is_too_large_is_found(tmp_path: Path) -> None:
    """Both limits, planted."""
    folder = tmp_path / "crowded"
    folder.mkdir()
    for number in range(MOST_MODULES_IN_A_FOLDER + 1):
        (folder / f"module_{number}.py").write_text("pass\n" * (MOST_LINES + (number == 0)), encoding="utf-8")
    assert modules_too_long(tmp_path) == ["crowded/module_0.py"]
    assert folders_too_full(tmp_path) == ["crowded"]


def private_words(root: Path) -> list[str]:
    """Words of the list above, and docstrings that begin with "Gives" (write "Returns")."""
    unwanted = re.compile(rf'\b({"|".join(WORDS)})\b|"""Gives\b', re.IGNORECASE)
    pages = [*root.glob("*.md"), *(path for folder in TEXTS for path in (root / folder).rglob("*"))]
    return [
        f"{page.relative_to(root).as_posix()}:{number}: {found[0]}"
        for page in sorted(pages)
        if page.suffix in SUFFIXES
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
        for found in unwanted.finditer(line)
    ]


def test_no_private_word_comes_back() -> None:
    """A police analyst reads each sentence once."""
    assert private_words(REPOSITORY) == []


def test_a_private_word_is_found(tmp_path: Path) -> None:
    """In a page and in a docstring; not as a part of another word."""
    (tmp_path / "README.md").write_text("The list is made\nAnew, in renewed order.\n", encoding="utf-8")
    (tmp_path / "harmrank").mkdir()
    (tmp_path / "harmrank" / "one.py").write_text('"""Gives the list."""\n', encoding="utf-8")
    assert private_words(tmp_path) == ["README.md:2: Anew", 'harmrank/one.py:1: """Gives']


def test_the_page_names_every_check_and_rule() -> None:
    """docs/house-rules.md has a row for each check of dbt-bouncer.yml and each rule of test_manifest.py, and no other."""
    page = (REPOSITORY / "docs" / "house-rules.md").read_text(encoding="utf-8")
    checks = re.findall(r"- name: (check_\w+)", (REPOSITORY / "dbt-bouncer.yml").read_text(encoding="utf-8"))
    assert set(re.findall(r"`(check_\w+)`", page)) == set(checks)
    assert [rule.__name__ for rule in RULES if f"`{rule.__name__}`" not in page] == []
