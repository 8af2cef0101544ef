"""A migrated database for each test, on SQLite or PostgreSQL. Migrations run once for each kind."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of an empty, migrated SQLite file of this test's own."""
    path = tmp_path / "test.sqlite3"
    shutil.copy(sqlite_template, path)
    return "sqlite:///%s" % path


@pytest.fixture
def postgresql_url(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """The URL of an empty, migrated PostgreSQL database of this test's own."""
    name = postgres.create(template=postgres_template)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: Any) -> str:
    """`sqlite_url`, and `postgresql_url`."""
    return request.getfixturevalue(request.param + "_url")


@pytest.fixture
def database(database_url: str) -> Iterator[str]:
    """As `database_url`, and this process's Django uses it, in every thread."""
    with used(database_url):
        yield database_url


@contextmanager
def used(url: str) -> Iterator[None]:
    """This process's Django uses that database, in every thread."""
    before = dict(connections.databases["default"])
    use(settings_of(url))
    yield
    use(before)


def settings_of(url: str) -> dict[str, Any]:
    found = environ.Env.db_url_config(url)
    return {**found, "ENGINE": found["ENGINE"].replace("django.db.backends", "relay.backends"), "CONN_MAX_AGE": 60}


def use(settings: dict[str, Any]) -> None:
    connections["default"].close()
    connections.databases["default"].clear()
    connections.databases["default"].update(settings)
    # What the settings leave out, as for those that Django found at first.
    connections.configure_settings(connections.databases)
    del connections["default"]
