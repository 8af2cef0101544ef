"""
No secret reaches a log: what secrets look like, and a look at all that a test has logged when it is over.

A plugin of pytest. It sees what this process logs, and what stands in `*.log` in a test's folder, where tests have the
processes that they start write to; what processes of a whole session have logged, when the session ends. Whoever makes
a secret that looks like nothing in particular (a password, what somebody says) calls `keep` with it.
"""

import logging
import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

#: Stands in whatever a test says that must not be repeated in a log.
HUSH = "hush-hush"
#: What the tests use in many places: a signing key, a webhook's, passwords.
KNOWN = {
    "a key for tests",
    "correct horse",
    "battery staple",
    "another horse",
    "round table",
    "tall grass 7",
    "a long pass phrase",
    HUSH,
}
#: What secrets look like, whatever they are.
SHAPES = {
    "a token": re.compile(r"\beyJ[\w-]{8,}"),
    "a login session": re.compile(r"\b(?=[a-z]*\d)(?=[a-f\d]*[g-z])[a-z\d]{32}\b"),
    "a secret in a URL": re.compile(r"[?&](session_key|token|ticket|guest|refresh|password)=[^&\s*]+"),
    "a cookie": re.compile(r"\b(sessionid|csrftoken|guest)=[^;\s*]+"),
    "an Authorization header": re.compile(r"\bbearer\s+[\w.-]{8,}", re.IGNORECASE),
    "a password in a URL": re.compile(r"\b[a-z]+://[^\s/:@]*:[^\s/@*]+@[^\s/]"),
    "a password's hash": re.compile(r"\b(pbkdf2_sha256|argon2)\$"),
}
#: Characters from which on what somebody says is looked for. Shorter texts stand in logs by chance.
LONG = 10


class Watch:
    """What was logged since the last look, and what must not be in it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.kept: set[str] = set()
        self.seen: set[Path] = set()
        self.formatter = logging.Formatter()

    def begin(self) -> None:
        """A test begins."""
        self.lines, self.kept = [], set()

    def note(self, record: logging.LogRecord) -> None:
        try:
            self.lines.append(self.formatter.format(record))
        except Exception as e:
            # One that can't be formatted is written by nobody.
            self.lines.append("unreadable: %r" % e)

    def found_in(self, text: str, where: str) -> list[str]:
        """Sentences that say which secrets stand in a text. They do not repeat them in full."""
        found = ["%s has %s: %s" % (where, kind, around(text, m.start())) for kind, m in shapes_in(text)]
        for secret in KNOWN | self.kept:
            place = text.find(secret)
            if place >= 0:
                found.append("%s has %r: %s" % (where, secret[:20], around(text, place)))
        return found

    def look(self, folder: Path | None) -> list[str]:
        """Look at what was logged in this process, and at the logs in this folder."""
        found = self.found_in("\n".join(self.lines), "the log of this process")
        self.lines = []
        for path in logs_in(folder) if folder else ():
            self.seen.add(path)
            found += self.found_in(path.read_text(errors="replace"), str(path))
        return found


def shapes_in(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for kind, shape in SHAPES.items():
        match = shape.search(text)
        if match:
            yield kind, match


def around(text: str, place: int) -> str:
    """The line in which that place is, as far as one wants to read it."""
    begin = text.rfind("\n", 0, place) + 1
    return text[max(begin, place - 150) : place + 30].split("\n")[0]


def logs_in(folder: Path) -> Iterator[Path]:
    """Logs that tests have had written, not those in what a browser keeps, which is deeper."""
    # pytest has links to its newest folders.
    yield from {path.resolve() for pattern in ("*.log", "*/*.log") for path in folder.glob(pattern) if path.is_file()}


watch = Watch()


def keep(secret: str) -> str:
    """Have the logs of this test looked through for this, too. Returns it."""
    if len(secret) >= LONG:
        watch.kept.add(secret)
    return secret


def keep_text(frame: str | bytes | dict[str, Any]) -> None:
    """As `keep`, with what a client's frame says."""
    text = frame.get("message") if isinstance(frame, dict) else frame
    if isinstance(text, str) and not text.startswith("/"):
        keep(text)


def refuse(found: list[str]) -> None:
    if found:
        pytest.fail("Secrets are logged.\n" + "\n".join(found), pytrace=False)


def pytest_configure(config: pytest.Config) -> None:
    """Also what loggers don't pass on to others is seen, and what a test has `caplog` forget."""
    call_handlers = logging.Logger.callHandlers

    def note_and_call(logger: logging.Logger, record: logging.LogRecord) -> None:
        watch.note(record)
        call_handlers(logger, record)

    logging.Logger.callHandlers = note_and_call  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    watch.begin()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """When all that the test has started is stopped, and has written its last."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    result = yield
    found = watch.look(folder)
    for _, kind, text in item._report_sections:
        if kind == "stderr":
            found += watch.found_in(text, "standard error")
    refuse(found)
    return result


@pytest.fixture(scope="session", autouse=True)
def logs_of_the_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Set up before all others, so it looks when all processes have ended."""
    yield
    found = []
    for path in set(logs_in(tmp_path_factory.getbasetemp())) - watch.seen:
        found += watch.found_in(path.read_text(errors="replace"), str(path))
    refuse(found)
