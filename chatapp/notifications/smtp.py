"""E-mail over SMTP. Set as EMAIL_BACKEND."""

import smtplib
import ssl

from django.core.mail.backends import smtp
from django.core.mail.utils import DNS_NAME


class EmailBackend(smtp.EmailBackend):
    """
    Django 2.2's, whose TLS can't work on Python 3.12 and later, as it passes arguments that smtplib has no more (G4).
    It also checks no certificate; and after a refused STARTTLS it keeps the connection, so that with `fail_silently`
    the next e-mail goes over that in the clear (CVE-2026-7666).
    """

    connection: smtplib.SMTP | None = None

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
            connection: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, context=self.context(), **options)
        else:
            connection = smtplib.SMTP(self.host, self.port, **options)
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
