"""
Django system checks of the chat: settings that are dangerous where it is deployed, each with its remedy. They run with
`manage.py check --deploy`. Django's own checks, and relay's, look at the rest.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core import checks

#: What stands in documents in the place of a key.
PLACEHOLDER = re.compile(r"change.?me|change.?this|example|insecure|secret.?key|your.?key|<.*>|\.\.\.|…", re.IGNORECASE)
#: As Django wants it.
KEY_LENGTH, KEY_CHARACTERS = 50, 5
OWN_HOSTS = ("localhost", "127.0.0.1", "::1", "")


class Danger(NamedTuple):
    """A setting that is dangerous, if `found` says so; what to say of it, and what to do about it."""

    id: str
    found: Callable[[], Any]
    text: str
    hint: str


def is_debugging() -> bool:
    return settings.DEBUG


def has_placeholder_key() -> bool:
    return bool(PLACEHOLDER.search(settings.SECRET_KEY))


def has_weak_key() -> bool:
    return len(settings.SECRET_KEY) < KEY_LENGTH or len(set(settings.SECRET_KEY)) < KEY_CHARACTERS


def has_kept_key() -> bool:
    return getattr(settings, "SECRET_KEY_IS_KEPT", False)


def has_any_host() -> bool:
    return "*" in settings.ALLOWED_HOSTS


def anybody_may_flood() -> bool:
    return settings.CHAT_RATE_LIMIT <= 0 and settings.CHAT_ALLOW_GUESTS and settings.CHAT_OPEN_ROOMS


def has_no_rate_limit() -> bool:
    return settings.CHAT_RATE_LIMIT <= 0 and not anybody_may_flood()


def takes_session_keys() -> bool:
    return settings.CHAT_SESSION_KEY_LOGINS


def lets_guess() -> bool:
    return settings.CHAT_LOGIN_TRIES <= 0


def has_plain_mail() -> bool:
    encrypted = settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL
    return bool(settings.EMAIL_HOST_USER) and not encrypted and settings.EMAIL_HOST not in OWN_HOSTS


def has_plain_webhook() -> bool:
    url = urlsplit(settings.CHAT_WEBHOOK_URL)
    return url.scheme == "http" and url.hostname not in OWN_HOSTS


def has_unsigned_webhook() -> bool:
    return "webhook" in settings.CHAT_NOTIFICATION_BACKENDS and not settings.CHAT_WEBHOOK_SECRET


def has_no_sweeper() -> bool:
    return not settings.CHAT_SWEEPER


def shows_examples() -> bool:
    return any(config.name.startswith("examples.") for config in apps.get_app_configs())


def is_plain() -> bool:
    return not settings.CHAT_URL.startswith("https://")


def has_plain_sockets() -> bool:
    return settings.CHAT_SOCKET_URL.startswith("ws://") and not is_plain()


def has_open_admin() -> bool:
    return not settings.CHAT_ADMIN_NETWORKS


DANGERS: dict[type[checks.CheckMessage], list[Danger]] = {
    checks.Error: [
        Danger(
            "chatapp.E001",
            has_placeholder_key,
            "SECRET_KEY is one that stands in documents: whoever reads them can log in as anybody.",
            "Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'.",
        ),
        Danger(
            "chatapp.E002",
            anybody_may_flood,
            "Anybody may fill any number of rooms with any number of messages: guests and new rooms are allowed, and "
            "CHAT_RATE_LIMIT is 0.",
            "Set CHAT_RATE_LIMIT to what people type, 10 for example.",
        ),
        Danger(
            "chatapp.E003",
            has_plain_sockets,
            "CHAT_SOCKET_URL is ws://, and pages come by https: browsers do not open such sockets from them.",
            "Begin it with wss://.",
        ),
    ],
    checks.Warning: [
        Danger(
            "chatapp.W001",
            is_debugging,
            "DEBUG is on: visitors see tracebacks with settings, and a session key in a URL logs in.",
            "Unset DEBUG.",
        ),
        Danger(
            "chatapp.W002",
            has_weak_key,
            "SECRET_KEY can be guessed: it is short, or of few characters. It signs sessions, tokens and guests.",
            "Make one: python -c 'import secrets; print(secrets.token_urlsafe(50))'.",
        ),
        Danger(
            "chatapp.W003",
            has_kept_key,
            "SECRET_KEY was made by this machine, and is kept in var/secret_key: processes elsewhere have another, and "
            "take no session, token or guest of this one.",
            "Set SECRET_KEY to the same for all, if there is more than one machine or var/ does not last.",
        ),
        Danger(
            "chatapp.W004",
            has_any_host,
            "ALLOWED_HOSTS has *: any name that points here is taken, and pages elsewhere may so be of one origin with "
            "these.",
            "Name the hosts.",
        ),
        Danger(
            "chatapp.W005",
            has_no_rate_limit,
            "CHAT_RATE_LIMIT is 0: one person may say as much as a connection carries.",
            "Set it to what people type, 10 for example.",
        ),
        Danger(
            "chatapp.W006",
            takes_session_keys,
            "CHAT_SESSION_KEY_LOGINS is on: a URL may log a socket in, and URLs end in histories, logs and referrers.",
            "Turn it off, and bring tickets (POST /api/ticket).",
        ),
        Danger(
            "chatapp.W007",
            lets_guess,
            "CHAT_LOGIN_TRIES is 0: anybody may guess passwords as fast as the workers look at them.",
            "Set it to 5, for example.",
        ),
        Danger(
            "chatapp.W008",
            has_plain_mail,
            "EMAIL_URL has a password, which goes over the network in the clear.",
            "Begin it with smtp+tls:// (port 587) or smtp+ssl:// (port 465).",
        ),
        Danger(
            "chatapp.W009",
            has_plain_webhook,
            "CHAT_WEBHOOK_URL is http://: everybody on the way reads the notifications.",
            "Begin it with https://.",
        ),
        Danger(
            "chatapp.W010",
            has_unsigned_webhook,
            "CHAT_WEBHOOK_SECRET is not set: what listens at CHAT_WEBHOOK_URL can't tell ours from anybody's.",
            "Set it, and have the other side compare X-Parley-Signature.",
        ),
        Danger(
            "chatapp.W011",
            has_no_sweeper,
            "CHAT_SWEEPER is off: what a dying worker stored is not broadcast, and what has expired is not deleted.",
            "Unset it.",
        ),
        Danger(
            "chatapp.W012",
            shows_examples,
            "Apps of examples/ are installed: they let anybody do anything, to be short.",
            "Run with DJANGO_SETTINGS_MODULE=project.settings.",
        ),
        Danger(
            "chatapp.W013",
            is_plain,
            "CHAT_URL does not begin with https://: passwords and sessions go over the network in the clear, or nobody "
            "has said that they do not.",
            "Put a proxy with TLS in front (deploy/README.md), and set CHAT_URL to the https:// address.",
        ),
    ],
    checks.Info: [
        Danger(
            "chatapp.I001",
            has_open_admin,
            "/admin/ can be seen from everywhere. It asks for a password, and is the largest target that there is.",
            "Set CHAT_ADMIN_NETWORKS to the networks of those who need it.",
        ),
    ],
}


def check_deployment(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    return list(found())


def found() -> Iterator[checks.CheckMessage]:
    for kind, dangers in DANGERS.items():
        for danger in dangers:
            if danger.found():
                yield kind(danger.text, hint=danger.hint, id=danger.id)
