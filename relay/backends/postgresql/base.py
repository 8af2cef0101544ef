"""PostgreSQL, whose crash is told from an error of ours."""

from datetime import timezone
from typing import Any

import django
import psycopg2
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper, OperationalError
from django.utils.functional import cached_property


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's PostgreSQL backend, with a better name for what psycopg2 raises when the server goes down at once."""

    @cached_property
    def wrap_database_errors(self) -> DatabaseErrorWrapper:
        return ErrorWrapper(self)

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        if django.VERSION < (3, 1):
            # What Django 2.2 has put there fails on what psycopg2 2.9 gives it (G5).
            cursor.tzinfo_factory = timezone if settings.USE_TZ else None
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
