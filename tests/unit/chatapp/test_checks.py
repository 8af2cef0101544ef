"""Each dangerous setting is named, with its remedy; and nothing is where nothing is wrong."""

import os
import re
import secrets
import subprocess
import sys
from types import SimpleNamespace

import pytest

from chatapp import checks
from tests.databases import ROOT
from tests.ports import free_port

#: Settings as they should be where Parley is deployed.
GOOD = {
    "DEBUG": False,
    "SECRET_KEY": secrets.token_urlsafe(50),
    "SECRET_KEY_IS_KEPT": False,
    "ALLOWED_HOSTS": ["chat.test"],
    "CHAT_URL": "https://chat.test",
    "CHAT_SOCKET_URL": "wss://sockets.test",
    "CHAT_RATE_LIMIT": 10,
    "CHAT_ALLOW_GUESTS": True,
    "CHAT_OPEN_ROOMS": True,
    "CHAT_SESSION_KEY_LOGINS": False,
    "CHAT_LOGIN_TRIES": 5,
    "CHAT_SWEEPER": True,
    "CHAT_ADMIN_NETWORKS": ["10.0.0.0/8"],
    "CHAT_NOTIFICATION_BACKENDS": ["webhook"],
    "CHAT_WEBHOOK_URL": "https://hooks.test/",
    "CHAT_WEBHOOK_SECRET": "hush",
    "EMAIL_HOST": "mail.test",
    "EMAIL_HOST_USER": "parley",
    "EMAIL_USE_TLS": True,
    "EMAIL_USE_SSL": False,
}
BAD = [
    ("chatapp.E001", {"SECRET_KEY": "django-insecure-" + secrets.token_urlsafe(50)}),
    ("chatapp.E001", {"SECRET_KEY": "change-me-" + secrets.token_urlsafe(50)}),
    ("chatapp.E002", {"CHAT_RATE_LIMIT": 0}),
    ("chatapp.E003", {"CHAT_SOCKET_URL": "ws://sockets.test"}),
    ("chatapp.W001", {"DEBUG": True}),
    ("chatapp.W002", {"SECRET_KEY": "short"}),
    ("chatapp.W002", {"SECRET_KEY": "ab" * 30}),
    ("chatapp.W003", {"SECRET_KEY_IS_KEPT": True}),
    ("chatapp.W004", {"ALLOWED_HOSTS": ["*"]}),
    ("chatapp.W005", {"CHAT_RATE_LIMIT": 0, "CHAT_ALLOW_GUESTS": False}),
    ("chatapp.W005", {"CHAT_RATE_LIMIT": 0, "CHAT_OPEN_ROOMS": False}),
    ("chatapp.W006", {"CHAT_SESSION_KEY_LOGINS": True}),
    ("chatapp.W007", {"CHAT_LOGIN_TRIES": 0}),
    ("chatapp.W008", {"EMAIL_USE_TLS": False}),
    ("chatapp.W009", {"CHAT_WEBHOOK_URL": "http://hooks.test/"}),
    ("chatapp.W010", {"CHAT_WEBHOOK_SECRET": ""}),
    ("chatapp.W011", {"CHAT_SWEEPER": False}),
    ("chatapp.W013", {"CHAT_URL": "http://chat.test", "CHAT_SOCKET_URL": ""}),
    ("chatapp.I001", {"CHAT_ADMIN_NETWORKS": []}),
]


def ids():
    return [message.id for message in checks.check_deployment(None)]


@pytest.mark.parametrize(("wanted", "changes"), BAD)
def test_a_dangerous_setting_is_named_with_its_remedy(settings_override, wanted, changes):
    settings_override(**{**GOOD, **changes})
    (message,) = checks.check_deployment(None)
    assert message.id == wanted
    assert message.hint
    assert GOOD["SECRET_KEY"] not in str(message), "the key itself is nobody's to read"


def test_apps_of_the_examples_are_named(settings_override, monkeypatch):
    settings_override(**GOOD)
    monkeypatch.setattr(
        checks, "apps", SimpleNamespace(get_app_configs=lambda: [SimpleNamespace(name="examples.echo")])
    )
    assert ids() == ["chatapp.W012"]


def test_every_check_has_a_test():
    known = {danger.id for dangers in checks.DANGERS.values() for danger in dangers}
    assert known == {wanted for wanted, _ in BAD} | {"chatapp.W012"}


@pytest.mark.parametrize("changes", [{}, {"EMAIL_USE_TLS": False, "EMAIL_HOST": "localhost"}, {"EMAIL_HOST_USER": ""}])
def test_nothing_is_said_where_nothing_is_wrong(settings_override, changes):
    settings_override(**{**GOOD, **changes})
    assert ids() == []


def filled_in():
    """The environment of deploy/.env.example, as somebody fills it in who deploys Parley with TLS in front."""
    example = (ROOT / "deploy" / ".env.example").read_text()
    environment = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, re.MULTILINE))
    return {
        "PATH": os.environ["PATH"],
        **environment,
        "DATABASE_URL": "postgres://parley:hush@127.0.0.1:%d/parley" % free_port(),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "chat.example.com",
        "CHAT_URL": "https://chat.example.com",
        "CHAT_ADMIN_NETWORKS": "10.0.0.0/8",
        "RELAY_METRICS_TOKEN": secrets.token_urlsafe(20),
    }


def check(environment):
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_a_deployment_with_the_example_filled_in_is_clean(own_redis):
    done = check({**filled_in(), "REDIS_URL": own_redis.url})
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues" in done.stdout


def test_the_example_as_it_is_is_not():
    """It serves a machine by plain http; whoever wants more is told what is missing."""
    example = filled_in()
    for name in ("DATABASE_URL", "SECRET_KEY", "CHAT_URL", "CHAT_ADMIN_NETWORKS"):
        del example[name]
    said = check({**example, "DEBUG": "1"}).stderr
    for number in ("W001", "W003", "W006", "W013", "I001"):
        assert "chatapp." + number in said
    assert "relay.I002" in said
