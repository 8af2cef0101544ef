"""PostgreSQL with a current psycopg2."""

from datetime import timedelta, tzinfo
from typing import Any

import psycopg2
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper, OperationalError
from django.utils.functional import cached_property
from django.utils.timezone import utc


class DatabaseWrapper(base.DatabaseWrapper):
    """
    Django's PostgreSQL backend, for psycopg2 2.9 and later.

    Since 2.9 psycopg2 gives a time zone's offset as a timedelta; Django 2.2 compares it with 0 and fails with
    "database connection isn't set to UTC" (G5). Needless with Django 3.1.
    """

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return ErrorWrapper(self)

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        cursor.tzinfo_factory = utc_only if settings.USE_TZ else None
        return cursor


class ErrorWrapper(DatabaseErrorWrapper):
    """
    psycopg2 raises a plain DatabaseError, without the server's code for it, for the first statement after the server
    went down at once (an immediate shutdown, a crash). It is an OperationalError: so it calls that itself if it finds
    the connection broken already.
    """

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is psycopg2.DatabaseError and error.pgcode is None:
            self.wrapper.errors_occurred = True
            raise OperationalError(*error.args).with_traceback(traceback) from error
        super().__exit__(kind, error, traceback)


def utc_only(offset: timedelta | int) -> tzinfo:
    """Django's UTC, for an offset of nothing. Raises AssertionError for another: the connection must be in UTC."""
    if offset not in (timedelta(0), 0):
        raise AssertionError("database connection isn't set to UTC, but is %s away from it" % offset)
    return utc
