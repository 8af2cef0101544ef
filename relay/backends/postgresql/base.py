"""PostgreSQL with a current psycopg2."""

from datetime import timedelta, tzinfo
from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from django.utils.timezone import utc


class DatabaseWrapper(base.DatabaseWrapper):
    """
    Django's PostgreSQL backend, for psycopg2 2.9 and later.

    Since 2.9 psycopg2 gives a time zone's offset as a timedelta; Django 2.2 compares it with 0 and fails with
    "database connection isn't set to UTC" (G5). Needless with Django 3.1.
    """

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        cursor.tzinfo_factory = utc_only if settings.USE_TZ else None
        return cursor


def utc_only(offset: timedelta | int) -> tzinfo:
    """Django's UTC, for an offset of nothing. Raises AssertionError for another: the connection must be in UTC."""
    if offset not in (timedelta(0), 0):
        raise AssertionError("database connection isn't set to UTC, but is %s away from it" % offset)
    return utc
