"""E-mail over a real connection to a server of the test's own, on whatever Python this is (G4)."""

import base64
import smtplib
import socketserver
import ssl
import threading
from email import message_from_bytes

import pytest
from django.core.mail import EmailMessage, get_connection

from chatapp.notifications import smtp
from tests.certificates import make_certificate

BACKEND = "chatapp.notifications.smtp.EmailBackend"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("certificate"), addresses=())


class Conversation(socketserver.StreamRequestHandler):
    """One client's connection to a mail server that knows what is needed here."""

    timeout = 20

    def handle(self):
        if self.server.implicit:
            self.encrypt()
        self.say("220 ready")
        while line := self.rfile.readline():
            command = line.decode().strip()
            self.server.heard.append((command, isinstance(self.connection, ssl.SSLSocket)))
            verb = command.split(" ")[0].upper()
            if verb == "STARTTLS" and self.server.offers:
                self.say(self.server.starttls)
                if self.server.starttls.startswith("220"):
                    self.encrypt()
            else:
                self.answer(verb)
                if verb == "QUIT":
                    return

    def answer(self, verb):
        if verb == "EHLO":
            offers = self.server.offers and not isinstance(self.connection, ssl.SSLSocket)
            self.say("250-here\r\n250-AUTH PLAIN\r\n250 " + ("STARTTLS" if offers else "OK"))
        elif verb == "DATA":
            self.say("354 go on")
            lines = iter(self.rfile.readline, b".\r\n")
            self.server.mails.append(message_from_bytes(b"".join(lines)))
            self.say("250 taken")
        else:
            self.say({"AUTH": "235 welcome", "QUIT": "221 bye"}.get(verb, "250 OK"))

    def say(self, text):
        while text.startswith(self.server.drips) and not self.server.closed.wait(0.05):
            self.wfile.write(b"250-wait\r\n")
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def encrypt(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.certificate.chain, self.server.certificate.key)
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except OSError:
            self.rfile = self.wfile = open("/dev/null", "rb+")  # noqa: SIM115  # the client did not trust us
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, certificate):
        super().__init__(("127.0.0.1", 0), Conversation)
        self.certificate = certificate
        self.heard, self.mails = [], []
        self.implicit, self.offers, self.starttls = False, True, "220 go on"
        #: What it says only after lines without end.
        self.drips, self.closed = "nothing", threading.Event()


@pytest.fixture
def server(certificate):
    server = MailServer(certificate)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.closed.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def trusted(certificate, monkeypatch):
    """This system trusts who signed the server's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.chain))


def connection(server, **options):
    options = {"host": "localhost", "username": "parley", "password": "hush", "timeout": 20, **options}
    return get_connection(BACKEND, port=server.server_address[1], **options)


def mail(connection):
    return EmailMessage("Hello", "You were mentioned", "parley@localhost", ["ann@localhost"], connection=connection)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("way", ["tls", "ssl"])
def test_an_email_goes_encrypted(server, way):
    """G4"""
    server.implicit = way == "ssl"
    assert mail(connection(server, **{"use_" + way: True})).send() == 1
    assert server.mails[0]["Subject"] == "Hello"
    login = "AUTH PLAIN " + base64.b64encode(b"\0parley\0hush").decode()
    assert [encrypted for command, encrypted in server.heard if command in (login, "data")] == [True, True]


def test_an_email_goes_plain_where_that_is_what_is_set(server):
    assert mail(connection(server, username="", password="")).send() == 1
    assert len(server.mails) == 1


@pytest.mark.parametrize("way", ["tls", "ssl"])
def test_a_server_that_nobody_vouches_for_gets_neither_password_nor_email(server, way):
    server.implicit = way == "ssl"
    with pytest.raises(ssl.SSLCertVerificationError):
        mail(connection(server, **{"use_" + way: True})).send()
    assert not [command for command, _ in server.heard if command.upper().startswith(("AUTH", "MAIL", "DATA"))]


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_host_is_none(server):
    with pytest.raises(ssl.SSLCertVerificationError):
        mail(connection(server, host="127.0.0.1", use_tls=True)).send()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("refusal", ["454 not now", "never offered"])
def test_cve_2026_7666_after_a_refused_starttls_nothing_goes_in_the_clear(server, refusal):
    """Not even when errors are to be silent, and the same connection is used again."""
    server.starttls, server.offers = refusal, refusal[0] == "4"
    kept = connection(server, use_tls=True, fail_silently=True)
    assert [mail(kept).send(), mail(kept).send()] == [0, 0]
    assert kept.connection is None
    with pytest.raises(smtplib.SMTPException):
        mail(connection(server, use_tls=True)).send()
    assert not [command for command, _ in server.heard if command.upper().startswith(("AUTH", "MAIL", "DATA"))]


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("drips", "way"), [("220 ready", ""), ("220 ready", "use_ssl"), ("235", "use_tls"), ("250 taken", "use_ssl")]
)
def test_a_server_that_drips_its_answers_is_left_when_time_is_up(server, monkeypatch, drips, way):
    """P7: EMAIL_TIMEOUT is for each answer's next byte."""
    monkeypatch.setattr(smtp, "TIME_LIMIT", 1)
    server.drips, server.implicit = drips, way == "use_ssl"
    server.offers = way != ""
    with pytest.raises(TimeoutError, match="Not done within 1 s"):
        mail(connection(server, **({way: True} if way else {}))).send()
    assert server.mails == [] or drips == "250 taken"


def test_an_email_that_was_taken_is_sent_though_the_farewell_drips(server, monkeypatch):
    """Otherwise it would be sent once more."""
    monkeypatch.setattr(smtp, "TIME_LIMIT", 2)
    server.drips = "221"
    assert mail(connection(server, username="", password="")).send() == 1
    assert len(server.mails) == 1
