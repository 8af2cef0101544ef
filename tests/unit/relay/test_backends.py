from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_commits_survive_a_power_cut_and_readers_do_not_wait(database):
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_transactions_take_the_write_lock_at_once(database):
    """One that reads first and writes later would fail with "database is locked" if another wrote in between."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        import sqlite3

        other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_times_come_back_as_they_went_in(lobby):
    """G5"""
    lobby.refresh_from_db()
    assert abs(timezone.now() - lobby.created) < timedelta(minutes=1)
