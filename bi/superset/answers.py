"""Caches answers about the current build, so that a page opened again needs few queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import roles
from cachelib.file import FileSystemCache
from flask import Flask, current_app, g, has_app_context
from flask_caching.backends.base import BaseCache

_PRIVATE = 0o600


class AnswersOfTheBuild(BaseCache):
    """A cache of answers in files, by build and question: no answer is used for another build.

    Operational readers ask the mart each time: their answers may have names, which must be in no file but the mart's.

    A request looks answers up under the build that is current when it first asks. Its answer is stored only if that build
    is still current, because the query may have read the next one.
    """

    def __init__(self, published: Path, folder: Path, kept: int, seconds: int) -> None:
        super().__init__(seconds)
        self._published = published
        self._kept = FileSystemCache(str(folder), threshold=kept, default_timeout=seconds, mode=_PRIVATE)

    @classmethod
    def factory(cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> AnswersOfTheBuild:
        """Returns the cache for Superset's settings. Flask-Caching calls this."""
        folder, kept, seconds = (config[f"CACHE_{name}"] for name in ("DIR", "THRESHOLD", "DEFAULT_TIMEOUT"))
        return cls(app.config["PUBLISHED"], Path(folder), kept, seconds)

    def get(self, key: str) -> Any:
        """Returns the answer to a question about the build of this request, or None."""
        return None if self._may_have_names() else self._kept.get(self._of_the_build(key))

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        """Stores an answer. Returns False if another build has become current meanwhile, or if it may have names."""
        if self._may_have_names() or self._of_this_request() != self._current():
            return False
        return self._kept.set(self._of_the_build(key), value, timeout)

    def delete(self, key: str) -> bool:
        """Removes an answer about the build of this request."""
        return self._kept.delete(self._of_the_build(key))

    def has(self, key: str) -> bool:
        """Returns whether there is an answer to a question about the build of this request."""
        return self._kept.has(self._of_the_build(key))

    def clear(self) -> bool:
        """Removes every answer."""
        return self._kept.clear()

    def _may_have_names(self) -> bool:
        user = g.get("user") if has_app_context() else None
        return user is not None and roles.is_operational(current_app.appbuilder.sm, user)

    def _of_the_build(self, key: str) -> str:
        return f"{self._of_this_request()} {key}"

    def _of_this_request(self) -> str:
        if not has_app_context():
            return self._current()
        if "harmrank_build" not in g:
            g.harmrank_build = self._current()
        return str(g.harmrank_build)

    def _current(self) -> str:
        return (self._published / "current").resolve().name
