"""E-mail over SMTP. Set as EMAIL_BACKEND."""

import smtplib
import socket
from functools import partial
from typing import Any

from django.core.mail.backends import smtp

from chatapp.notifications.deadline import Deadline

#: Seconds that it may take to send what is sent over one connection. EMAIL_TIMEOUT is for each answer's next byte.
TIME_LIMIT = 60


class Connection(smtplib.SMTP):
    """smtplib's, which a deadline watches if there is one."""

    def __init__(self, *args: Any, deadline: Deadline | None, **options: Any):
        self.deadline = deadline
        super().__init__(*args, **options)

    def _get_socket(self, *args: Any) -> socket.socket:
        connected: socket.socket = super()._get_socket(*args)  # type: ignore[misc]
        if self.deadline is not None:
            self.deadline.watch(connected)
        return connected


class EncryptedConnection(smtplib.SMTP_SSL, Connection):
    """The same, encrypted from the first byte on: SMTP_SSL encrypts the socket that `Connection` gets."""

    def __init__(self, *args: Any, deadline: Deadline | None, **options: Any):
        # SMTP_SSL calls no other parent's than SMTP's.
        self.deadline = deadline
        super().__init__(*args, **options)


class EmailBackend(smtp.EmailBackend):
    """Django's, which a server that drips its answers keeps for as long as it likes (P7)."""

    deadline: Deadline | None = None

    @property
    def connection_class(self) -> Any:
        return partial(EncryptedConnection if self.use_ssl else Connection, deadline=self.deadline)

    def send_messages(self, email_messages: Any) -> int:
        with Deadline(TIME_LIMIT) as self.deadline:
            try:
                return super().send_messages(email_messages) or 0
            finally:
                self.deadline = None
