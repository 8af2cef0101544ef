"""The address of a Redis: what its URL says, what of that may be shown, and how connections log in."""

import logging
import os
from typing import Any
from urllib.parse import urlsplit

import redis
from django.core.exceptions import ImproperlyConfigured
from redis.connection import SSLConnection, parse_url

logger = logging.getLogger(__name__)

#: Options that name a file.
FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def options_of(url: str) -> dict[str, Any]:
    """
    What a URL says, as options of redis-py's connections: `redis://user:password@host:6379/0`, `rediss://` for TLS, or
    `unix://`. Options of redis-py may follow as a query. Raises ImproperlyConfigured, with no part of a password.
    """
    if not is_readable(url):
        raise ImproperlyConfigured(
            "The address of a Redis can't be read. It looks like redis://user:password@host:6379/0, with rediss:// for "
            "TLS. In a user name or password write %2F for /, %3F for ?, %23 for #, %40 for @, %5B for [ and %25 for %."
        )
    try:
        options: dict[str, Any] = parse_url(url)
        refuse_unknown(options)
    except (ValueError, redis.RedisError) as e:
        raise ImproperlyConfigured("The address of the Redis at %s is wrong: %s" % (shown(url), e)) from None
    for name in FILES:
        if name in options and not os.access(options[name], os.R_OK):
            raise ImproperlyConfigured(
                "The address of the Redis at %s names a file in %s that can't be read: %s"
                % (shown(url), name, options[name])
            )
    return options


def is_readable(url: str) -> bool:
    """Whether the parts of a URL are where they seem to be. A `/` in a password would end the host, for instance."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme == "unix" or "@" not in parts.path + parts.query + parts.fragment


def refuse_unknown(options: dict[str, Any]) -> None:
    """Raise ValueError for options that connections don't take."""
    given = {name: value for name, value in options.items() if name not in ("connection_class", "max_connections")}
    try:
        options.get("connection_class", redis.Connection)(**given)
    except TypeError as e:
        hint = ""
        if any(name.startswith("ssl_") for name in given) and options.get("connection_class") is not SSLConnection:
            hint = " (options of TLS need rediss://)"
        raise ValueError("redis-py has no such option%s: %s" % (hint, e)) from None


def sentinel_options(url: str) -> dict[str, Any]:
    """What of a URL does not depend on who is master, as options of redis-py's Sentinel."""
    options = options_of(url) if url else {}
    connection_class = options.pop("connection_class", redis.Connection)
    if "path" in options:
        raise ImproperlyConfigured("Sentinels name a master on the network: its address can't be %s" % shown(url))
    if connection_class is SSLConnection:
        options["ssl"] = True
    return {name: value for name, value in options.items() if name not in ("host", "port")}


def shown(url: str) -> str:
    """Where a server is, without user name, password and options."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else "%s:%s" % (parts.hostname or "localhost", parts.port or 6379)


class Login:
    """
    How the connections of a client log in: as redis-py does it, or as the default user.

    Providers write a user name into the URL that their servers don't know, beside the default user's password. redis-py
    before 3 left the name out. So if a server refuses a user, the default user is tried with the same password.
    """

    def __init__(self, username: str | None):
        self.username = username
        self.as_default = False

    def __call__(self, connection: Any) -> None:
        """For redis-py's `redis_connect_func`."""
        username = None if self.as_default else self.username
        connection.username = username
        try:
            connection.on_connect()
        except redis.AuthenticationError as refusal:
            # What this connection tried counts, and not `as_default`: others log in at the same time.
            if not username:
                # The next connection tries both again.
                self.as_default = False
                raise
            self.as_default = True
            connection.disconnect()
            try:
                connection.connect()
            except redis.AuthenticationError:
                raise refusal from None
            logger.warning("A Redis does not know the user %r, whose password is the default user's", self.username)
