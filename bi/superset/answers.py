"""Keeps what Superset has been answered about the build that stands, so that a page that is opened again asks little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cachelib.file import FileSystemCache
from flask import Flask, g, has_app_context
from flask_caching.backends.base import BaseCache

_PRIVATE = 0o600


class AnswersOfTheBuild(BaseCache):
    """Answers by build and question, in files: none is told of another build.

    A request looks answers up under the build that stands when it first asks. What it learns is kept only if that build
    stands still, for its query may have met the next one.
    """

    def __init__(self, published: Path, folder: Path, kept: int, seconds: int) -> None:
        super().__init__(seconds)
        self._published = published
        self._kept = FileSystemCache(str(folder), threshold=kept, default_timeout=seconds, mode=_PRIVATE)

    @classmethod
    def factory(cls, app: Flask, config: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> AnswersOfTheBuild:
        """Make it of Superset's settings, as Flask-Caching asks for it."""
        folder, kept, seconds = (config[f"CACHE_{name}"] for name in ("DIR", "THRESHOLD", "DEFAULT_TIMEOUT"))
        return cls(app.config["PUBLISHED"], Path(folder), kept, seconds)

    def get(self, key: str) -> Any:
        """The answer to a question about the build of this request, or None."""
        return self._kept.get(self._of_the_build(key))

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        """Keep an answer; False where the build has gone meanwhile."""
        return self._of_this_request() == self._standing() and self._kept.set(self._of_the_build(key), value, timeout)

    def delete(self, key: str) -> bool:
        """Forget an answer about the build of this request."""
        return self._kept.delete(self._of_the_build(key))

    def has(self, key: str) -> bool:
        """Whether there is an answer to a question about the build of this request."""
        return self._kept.has(self._of_the_build(key))

    def clear(self) -> bool:
        """Forget every answer."""
        return self._kept.clear()

    def _of_the_build(self, key: str) -> str:
        return f"{self._of_this_request()} {key}"

    def _of_this_request(self) -> str:
        if not has_app_context():
            return self._standing()
        if "harmrank_build" not in g:
            g.harmrank_build = self._standing()
        return str(g.harmrank_build)

    def _standing(self) -> str:
        return (self._published / "current").resolve().name
