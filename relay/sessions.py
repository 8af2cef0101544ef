"""Django's database sessions, for keys that come from anywhere. Set as SESSION_ENGINE."""

from typing import Any

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """
    Django's, which takes any text of eight characters as a key and asks the database for it; PostgreSQL raises
    ValueError for one with a NUL in it. Here a key that Django can't have made is no key. Needless with a Django that
    checks it.
    """

    def _validate_session_key(self, key: Any) -> bool:
        return bool(key) and super()._validate_session_key(key) and key.isascii() and key.isalnum()
