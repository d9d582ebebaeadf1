"""Superset's settings for harmrank. Superset imports this file by SUPERSET_CONFIG_PATH and uses its defaults for everything else.

From the environment: HARMRANK_HOME, the home whose `published` is read; HARMRANK_BI_STATE, Superset's own
folder (default: `bi` in the home); HARMRANK_BI_METADATA, the address of a metadata database to use
instead of the SQLite file there; HARMRANK_BI_HTTPS=1, if a proxy in front of Superset speaks HTTPS.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import duckdb_engine
import mart
import roles
from sqlalchemy.engine.url import URL
from sqlalchemy.pool import NullPool
from superset.utils.log import DBEventLogger

HOME = Path(os.environ["HARMRANK_HOME"]).resolve()
PUBLISHED = HOME / "published"
STATE = Path(os.environ.get("HARMRANK_BI_STATE") or HOME / "bi").resolve()

_IS_HTTPS = os.environ.get("HARMRANK_BI_HTTPS") == "1"

# -- storage ----------------------------------------------------------------------------------------------------------
# Created once by set_up.py, readable by its owner alone.
SECRET_KEY = (STATE / "secret_key").read_text(encoding="utf-8").strip()
SQLALCHEMY_DATABASE_URI = os.environ.get("HARMRANK_BI_METADATA") or f"sqlite:///{STATE / 'superset.db'}"
SQLALCHEMY_EXAMPLES_URI = SQLALCHEMY_DATABASE_URI
DATA_DIR = str(STATE)

# -- data -------------------------------------------------------------------------------------------------------------
_MARK = "mart"


def _which(url: URL) -> str:
    """Returns the connection that the address of a database in Superset names.

    Raises ValueError for every other address: this Superset reads only the published mart. The warehouse is private, and
    an open connection to it would stop the refresh.
    """
    connection = url.query.get(_MARK)
    if url.drivername != "duckdb" or url.database != ":memory:" or connection not in (mart.LIST, mart.NAMES):
        raise ValueError(
            f"harmrank's Superset opens duckdb:///:memory:?{_MARK}={mart.LIST} and ={mart.NAMES}, no other database."
        )
    return str(connection)


def DB_SQLA_URI_VALIDATOR(url: URL) -> None:
    """Refuses any other database when somebody enters it."""
    _which(url)


def _refusal(message: str) -> Exception:
    """Returns the error that Superset shows to the reader, with status 403."""
    from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
    from superset.exceptions import SupersetSecurityException

    kind = SupersetErrorType.DATABASE_SECURITY_ACCESS_ERROR
    return SupersetSecurityException(SupersetError(message, kind, ErrorLevel.ERROR))


def DB_CONNECTION_MUTATOR(
    url: URL, parameters: dict[str, Any], username: str, security_manager: Any, source: Any
) -> tuple[URL, dict[str, Any]]:
    """Makes each query open the build that is current at that moment, and close it afterwards.

    Only operational readers get a connection with names: no dataset, row rule or SQL decides that. Everybody else,
    administrators included, is refused when the connection is used.
    """
    connection = _which(url)

    def opened() -> Any:
        user = username and security_manager.find_user(username)
        if connection == mart.NAMES and not (user and roles.is_operational(security_manager, user)):
            raise _refusal(f"Names are for users with the role {roles.OPERATIONAL}.")
        return duckdb_engine.ConnectionWrapper(mart.open_build(PUBLISHED, connection))

    return url.set(query={}), {**parameters, "poolclass": NullPool, "creator": opened}


class _Quoting(duckdb_engine.DuckDBIdentifierPreparer):
    """Quotes `force`, a column of the contract that Superset's SQL grammar takes for a keyword."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.reserved_words.add("force")


duckdb_engine.Dialect.preparer = _Quoting

CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
# A query takes milliseconds, Superset's own work around it far more.
DATA_CACHE_CONFIG = {
    "CACHE_TYPE": "answers.AnswersOfTheBuild",
    "CACHE_DIR": str(STATE / "answers"),
    "CACHE_DEFAULT_TIMEOUT": 86_400,
    "CACHE_THRESHOLD": 2_000,
}
SQLLAB_TIMEOUT = 30
ROW_LIMIT = 10_000
SQL_MAX_ROW = 50_000

# -- permissions ------------------------------------------------------------------------------------------------------
AUTH_ROLE_PUBLIC = "Public"
AUTH_USER_REGISTRATION = False
PUBLIC_ROLE_LIKE = None
RATELIMIT_ENABLED = True
RATELIMIT_APPLICATION = "200 per second"
RATELIMIT_STORAGE_URI = "memory://"
# Attempts to log in from one address, for each process of the server: a reader who mistypes never notices, a guesser does.
AUTH_RATE_LIMIT = "10 per minute; 60 per hour"


def FLASK_APP_MUTATOR(app: Any) -> None:
    """Limits attempts to log in, by the form and through the API together: Superset 6.1 limits a page that takes no password."""
    security = app.appbuilder.sm
    limited = security.limiter.shared_limit(AUTH_RATE_LIMIT, scope="attempts to log in", methods=["POST"])
    for blueprint in (security.auth_view.blueprint, app.blueprints["SecurityApi"]):
        limited(blueprint)


FAB_API_SWAGGER_UI = False
FEATURE_FLAGS = {
    # Access follows the reader's datasets. Roles on dashboards would show more.
    "DASHBOARD_RBAC": False,
    "ALLOW_ADHOC_SUBQUERY": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "ESCAPE_MARKDOWN_HTML": True,
    "EMBEDDABLE_CHARTS": False,
    "ALERT_REPORTS": False,
}

# -- no outside requests ----------------------------------------------------------------------------------------------
# Superset's pages have a built-in tracking pixel from another host: the browser may load nothing from other hosts.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "frame-ancestors": ["'none'"],
        # Superset's components write their styles into the page.
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'", "data:"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": _IS_HTTPS,
    "session_cookie_secure": _IS_HTTPS,
}
ENABLE_PROXY_FIX = _IS_HTTPS
SESSION_COOKIE_SECURE = _IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"


# -- log --------------------------------------------------------------------------------------------------------------
class _Events(DBEventLogger):
    """Superset's log of who opened what, without the requests: a filter in them may be a name."""

    def log(self, *arguments: Any, **named: Any) -> None:
        """Writes an event: its user, action, dashboard, chart and duration."""
        named["referrer"] = None
        named["curated_payload"] = None
        named["records"] = [
            {key: record[key] for key in ("dashboard_id", "slice_id") if key in record}
            for record in named.get("records") or []
        ]
        super().log(*arguments, **named)


EVENT_LOGGER = _Events()
LOG_LEVEL = "WARNING"
# Superset logs at each page that a picture is missing from its package.
logging.getLogger("superset.views.base").setLevel(logging.ERROR)

# -- appearance -------------------------------------------------------------------------------------------------------
APP_NAME = "harmrank"
LOGO_TARGET_PATH = "/dashboard/list/"
# Colours that colour-blind readers can distinguish, in grey too, in the order of the metrics of a chart.
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "harmrank",
        "description": "",
        "label": "harmrank",
        "isDefault": True,
        "colors": ["#7aa6c2", "#2c6e91", "#0b2f45", "#d98b3a", "#8c8c8c", "#5c9c6b", "#a64b4b", "#c9b458"],
    }
]
