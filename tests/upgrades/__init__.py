"""
Databases of earlier releases, as SQL, by the commit that made them. Each has accounts (ann, bob, carol and ANN; the
password of ann is "A pass of Ann's", and so on), rooms that differ by case, messages, a guest's among them, a series, a
notification, a login, and a message that nobody had stored yet.
"""

import sqlite3
from pathlib import Path

import psycopg2

FOLDER = Path(__file__).parent
#: The key that signed its sessions.
SECRET_KEY = "the-secret-of-the-upgrade-test"
#: The last release on Django 2.2.
ON_DJANGO_2 = "219619d"


def load(release: str, url: str) -> None:
    """Fill an empty database with what a release has left."""
    kind = "sqlite" if url.startswith("sqlite:") else "postgresql"
    text = (FOLDER / ("%s.%s.sql" % (release, kind))).read_text(encoding="utf-8")
    if kind == "sqlite":
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.executescript(text)
    else:
        connection = psycopg2.connect(url)
        connection.cursor().execute(text)
        connection.commit()
    connection.close()
