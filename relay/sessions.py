"""Django's database sessions, for keys that come from anywhere. Set as SESSION_ENGINE."""

import logging
import re
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.db import connections, router
from django.utils import timezone

logger = logging.getLogger(__name__)

#: The keys of channel sessions (`channels.sessions.session_for_reply_channel`).
CHANNEL_KEY = re.compile(r"chn[0-9a-f]{29}")

QUERY = "SELECT session_data FROM %s WHERE session_key = %%s AND expire_date > %%s"


class SessionStore(db.SessionStore):
    """
    Django's, which takes any text of eight characters as a key and asks the database for it; PostgreSQL raises
    ValueError for one with a NUL in it. Here a key that Django can't have made is no key. Needless with a Django that
    checks it.

    With `channel_session`, a socket's session is read for each of its frames. So it is read by a plain statement, in a
    tenth of the time that a queryset takes, and what was just read is not asked for once more.
    """

    #: The key that was last looked for, and whether there is such a session.
    known: tuple[str | None, bool] = (None, False)

    def load(self) -> dict[str, Any]:
        connection = connections[router.db_for_read(self.model)]
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(QUERY % self.model._meta.db_table, [self.session_key, now])
            row = cursor.fetchone()
        self.known = self.session_key, row is not None
        if row is None:
            # As Django does: whoever saves it gets a key of its own.
            self._session_key = None
            return {}
        return self.decode(row[0])

    def exists(self, session_key: str) -> bool:
        return self.known[1] if session_key == self.known[0] else super().exists(session_key)

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError:
            if not CHANNEL_KEY.fullmatch(str(self.session_key)):
                raise
            # The socket has gone while one of its last frames was handled: there is nothing to keep (C7).
            logger.debug("The channel session %s is gone and not saved", self.session_key)
            return
        self.known = self.session_key, True

    def _validate_session_key(self, key: Any) -> bool:
        return bool(key) and super()._validate_session_key(key) and key.isascii() and key.isalnum()
