"""E-mail over SMTP. Set as EMAIL_BACKEND."""

import smtplib
import socket
import ssl
from typing import Any

from django.core.mail.backends import smtp
from django.core.mail.utils import DNS_NAME

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
    """
    Django 2.2's, whose TLS can't work on Python 3.12 and later, as it passes arguments that smtplib has no more (G4).
    It also checks no certificate; and after a refused STARTTLS it keeps the connection, so that with `fail_silently`
    the next e-mail goes over that in the clear (CVE-2026-7666). And a server that drips its answers keeps it for as
    long as it likes (P7).
    """

    connection: smtplib.SMTP | None = None
    deadline: Deadline | None = None

    def send_messages(self, email_messages: Any) -> int:
        with Deadline(TIME_LIMIT) as self.deadline:
            try:
                return super().send_messages(email_messages) or 0
            finally:
                self.deadline = None

    def open(self) -> bool | None:
        if self.connection is not None:
            return False
        try:
            self.connection = self.connected()
        except (smtplib.SMTPException, OSError):
            if not self.fail_silently:
                raise
            return None
        return True

    def connected(self) -> smtplib.SMTP:
        """A connection that is encrypted if it is to be, and logged in; otherwise it is closed."""
        options = {"local_hostname": DNS_NAME.get_fqdn(), "timeout": self.timeout}
        options = {name: value for name, value in options.items() if value is not None}
        if self.use_ssl:
            options["context"] = self.context()
        kind = EncryptedConnection if self.use_ssl else Connection
        connection = kind(self.host, self.port, deadline=self.deadline, **options)
        try:
            if self.use_tls:
                connection.starttls(context=self.context())
            if self.username and self.password:
                connection.login(self.username, self.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def context(self) -> ssl.SSLContext:
        """Certificates must be for EMAIL_URL's host, and signed by who the system trusts (SSL_CERT_FILE)."""
        context = ssl.create_default_context()
        if self.ssl_certfile:
            context.load_cert_chain(self.ssl_certfile, self.ssl_keyfile)
        return context
