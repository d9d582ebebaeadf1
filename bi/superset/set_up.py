"""Sets Superset up for a home: its metadata database, users and roles, and the bundle of assets. Safe to run again.

    python bi/superset/set_up.py BUNDLE.zip

Runs in .venv-superset, with the environment that superset_config.py reads. Passwords come from
HARMRANK_BI_ADMIN_PASSWORD, HARMRANK_BI_VIEWER_PASSWORD and HARMRANK_BI_OPERATIONAL_PASSWORD; without one, a password is
generated when the user is created and printed once.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import secrets
import sys
import warnings
import zipfile
from pathlib import Path

import mart
import roles

HERE = Path(__file__).resolve().parent
# User, role, variable of the password.
USERS = [
    ("admin", roles.ADMIN, "HARMRANK_BI_ADMIN_PASSWORD"),
    ("viewer", roles.VIEWER, "HARMRANK_BI_VIEWER_PASSWORD"),
    ("operational", roles.OPERATIONAL, "HARMRANK_BI_OPERATIONAL_PASSWORD"),
]


def state_folder() -> Path:
    """Returns Superset's own folder; creates it (mode 700) and its secret key if they are missing."""
    home = Path(os.environ["HARMRANK_HOME"]).resolve()
    state = Path(os.environ.get("HARMRANK_BI_STATE") or home / "bi").resolve()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    state.chmod(0o700)
    key = state / "secret_key"
    if not key.exists():
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    return state


def main(bundle: str) -> None:
    """Sets Superset up, or updates it."""
    os.umask(0o077)
    state = state_folder()
    if not (Path(os.environ["HARMRANK_HOME"]) / "published" / "current").exists():
        sys.exit(f"Nothing is published in {os.environ['HARMRANK_HOME']}: run harmrank refresh (or make demo) first.")
    os.environ.setdefault("SUPERSET_CONFIG_PATH", str(HERE / "superset_config.py"))
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        _database(state)
        passwords = _users()
        _assets(state, Path(bundle))
        _roles()
    for user, password in passwords.items():
        print(f"    user {user:<12} password {password}    (shown this once)")


def _database(state: Path) -> None:
    """Creates the tables and permissions of this version of Superset."""
    from flask import current_app
    from flask_migrate import upgrade
    from superset import appbuilder, db, security_manager

    done = _mark(state, "superset_version")
    version = str(current_app.config["VERSION_STRING"])
    if done.exists() and done.read_text() == version:
        return
    print("==> the metadata database (half a minute, once)", flush=True)
    # Each migration prints at length.
    with contextlib.redirect_stdout(io.StringIO()):
        upgrade(directory=str(_package() / "migrations"))
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    db.session.commit()
    done.write_text(version)


def _mark(state: Path, what: str) -> Path:
    """Returns the file that records what was done in this metadata database."""
    from flask import current_app

    address = str(current_app.config["SQLALCHEMY_DATABASE_URI"])
    return state / f"{what}-{hashlib.sha256(address.encode()).hexdigest()[:12]}"


def _users() -> dict[str, str]:
    """Creates missing users and sets the given passwords. Returns the generated passwords by user."""
    from superset import db, security_manager

    generated = {}
    for name, role_name, variable in USERS:
        given = os.environ.get(variable)
        role = security_manager.add_role(role_name)
        user = security_manager.find_user(name)
        if user is None:
            password = given or secrets.token_urlsafe(12)
            security_manager.add_user(name, name.capitalize(), "harmrank", f"{name}@localhost", role, password)
            if not given:
                generated[name] = password
        elif given:
            security_manager.reset_password(user.id, given)
    db.session.commit()
    return generated


def _assets(state: Path, bundle: Path) -> None:
    """Imports the bundle if it has changed since the last import, so that changes by hand are kept otherwise."""
    from superset import security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle
    from superset.utils.core import override_user

    done = _mark(state, "bundle.sha256")
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    if done.exists() and done.read_text() == digest:
        return
    print("==> datasets, charts and dashboards", flush=True)
    with zipfile.ZipFile(bundle) as archive:
        contents = get_contents_from_bundle(archive)
    with override_user(security_manager.find_user("admin")):
        ImportAssetsCommand(contents).run()
    done.write_text(digest)


def _roles() -> None:
    """Resets both roles to roles.py."""
    from superset import db, security_manager
    from superset.connectors.sqla.models import SqlaTable

    datasets = db.session.query(SqlaTable).all()
    of_everybody = [dataset for dataset in datasets if dataset.database.sqlalchemy_uri.endswith(f"={mart.LIST}")]
    roles.grant(security_manager, roles.VIEWER, of_everybody)
    roles.grant(security_manager, roles.OPERATIONAL, datasets)
    db.session.commit()


def _package() -> Path:
    import superset

    return Path(superset.__file__).parent


if __name__ == "__main__":
    main(sys.argv[1])
