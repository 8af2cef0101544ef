"""The look at the logs of all tests finds what it is to find."""

import subprocess
import sys

import pytest

from tests.databases import ROOT
from tests.secrets import HUSH, watch

SAMPLE = """
import logging, subprocess, sys
import pytest

logger = logging.getLogger("quiet")
logger.propagate = False


@pytest.fixture(scope="session")
def started(tmp_path_factory):
    yield
    with open(tmp_path_factory.mktemp("x") / "server.log", "w") as log:
        subprocess.run(["echo", WORD], stdout=log)


def test_a_logger_that_passes_nothing_on(started):
    logger.warning("it was %s", WORD)


def test_a_log_that_the_test_throws_away(caplog):
    logger.warning(WORD)
    caplog.clear()


def test_a_traceback():
    try:
        {}[WORD]
    except KeyError:
        logger.exception("oh")


def test_standard_error():
    print(WORD, file=sys.stderr)


def test_a_process_of_the_test(tmp_path):
    with open(tmp_path / "0.log", "w") as log:
        subprocess.run(["echo", WORD], stdout=log)


def test_nothing():
    logger.warning("nothing")
"""


def run(folder, word):
    """Run these tests, with the look at their logs; returns what pytest says in the end."""
    (folder / "test_sample.py").write_text(SAMPLE.replace("WORD", repr("x %s y" % word)))
    command = [sys.executable, "-m", "pytest", "-p", "tests.secrets", "-p", "no:cacheprovider", "-n0", "-q", "-ra"]
    command += ["-c", "/dev/null", "--rootdir", str(folder), "--basetemp", str(folder / "tmp"), str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


@pytest.fixture
def sample(tmp_path):
    """A folder which the look at this test's own logs does not reach."""
    folder = tmp_path / "a" / "sample"
    folder.mkdir(parents=True)
    return folder


def test_a_secret_fails_the_test_that_logs_it(sample):
    """By whatever way. What a process of the whole session has logged fails the last test."""
    said = run(sample, HUSH)
    failed = {
        line.split("::")[1].split(" ")[0] for line in said.splitlines() if line.startswith("ERROR ") and "::" in line
    }
    assert failed == {line.split("(")[0].split(" ")[1] for line in SAMPLE.splitlines() if line.startswith("def test_")}
    assert "server.log" in said
    assert said.splitlines()[-1].startswith("6 passed, 6 errors")


def test_tests_that_log_no_secret_pass(sample):
    assert run(sample, "harmless").splitlines()[-1].startswith("6 passed in")


@pytest.mark.parametrize(
    "text",
    [
        "GET /chat/a/?since=1&token=abc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI1In0.x",
        "redis://:pass@localhost:6379/0 fails",
        "postgres://me:pass@host/name",
        "headers: {b'cookie': b'sessionid=zzz'}",
        "user 5 has the session 0a1b2c3d4e5f6g7h8i9j0a1b2c3d4e5f",
        "Authorization: Bearer abcdefgh",
        "pbkdf2_sha256$1$x",
        "the signing key is 'a key for tests'",
    ],
)
def test_secrets_are_known_by_their_shape(text):
    assert watch.found_in("one line\n%s\nanother" % text, "it")


@pytest.mark.parametrize(
    "text",
    [
        "GET /chat/a/?since=1",
        "redis://localhost:6379/0 fails",
        "A message for daphne.response.0123456789abcdef!0123456789abcdef can't be sent",
        "test-%s:" % ("0123456789abcdef" * 2),
        "There is more than one header cookie",
        "token_expired",
    ],
)
def test_what_is_no_secret_may_be_logged(text):
    assert watch.found_in(text, "it") == []
