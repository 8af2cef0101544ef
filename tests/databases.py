"""A migrated database for each test, on SQLite or PostgreSQL. Migrations run once for each kind."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import pytest
from django.db import connections

from tests.services import Postgres

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def sqlite_template() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="parley-sqlite-") as folder:
        path = Path(folder) / "template.sqlite3"
        migrate("sqlite:///%s" % path)
        yield path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    name = postgres.create()
    migrate(postgres.url(name))
    return name


def migrate(url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: Any, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty, migrated database of this test's own."""
    if request.param == "sqlite":
        path = tmp_path / "test.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield "sqlite:///%s" % path
        return
    server = request.getfixturevalue("postgres")
    name = server.create(template=request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """As `database_url`, and this process's Django uses it, in every thread."""
    before = dict(connections.databases["default"])
    use(settings_of(database_url))
    yield database_url
    use(before)


def settings_of(url: str) -> dict[str, Any]:
    found = environ.Env.db_url_config(url)
    return {**found, "ENGINE": found["ENGINE"].replace("django.db.backends", "relay.backends"), "CONN_MAX_AGE": 60}


def use(settings: dict[str, Any]) -> None:
    connections["default"].close()
    connections.databases["default"].clear()
    connections.databases["default"].update(settings)
    del connections["default"]
