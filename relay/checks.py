"""
Django system checks: combinations of settings that can't work, and what is dangerous where it is deployed, each with
its remedy.
"""

import inspect
import math
from collections.abc import Iterator
from typing import Any

from channels import channel_layers
from django.conf import settings
from django.core import checks
from django.db import OperationalError, connections

from relay import conf
from relay.layers.policy import ONLY_ON_REDIS

#: What BaseChannelLayer of asgiref takes where a layer's CONFIG says nothing, in seconds.
DEFAULT_GROUP_EXPIRY = 86400
#: And what ours take, in bytes.
MESSAGE_SIZE_LIMIT = 8 * 1024 * 1024
DATABASE_LAYER = "relay.layers.database.DatabaseChannelLayer"
MEMORY_LAYER = "relay.layers.inmemory.ChannelLayer"
#: Bytes for which 0 means: no limit.
LIMITS = ("MAX_MESSAGE_BYTES", "MAX_BODY_BYTES", "MAX_UNSENT_BYTES", "MAX_WAITING_BYTES")


def check_keepalive(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.E001: a group must outlive the pause between two keepalives, or its members come and go."""
    interval = conf.get("KEEPALIVE_INTERVAL")
    return [
        checks.Error(
            "Members of groups on the channel layer %r expire after %d s, but are renewed only every %d s."
            % (alias, expiry, interval),
            hint="Set group_expiry in CHANNEL_LAYERS[%r]['CONFIG'] to at least twice RELAY_KEEPALIVE_INTERVAL." % alias,
            id="relay.E001",
        )
        for alias, expiry in group_expiries().items()
        if ends_too_soon(expiry, interval)
    ]


def check_reconnect_text(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.E002: what sockets are told when their server goes away must be text that takes a number."""
    text = conf.get("RECONNECT_TEXT")
    try:
        if text is None or isinstance(text % {"after": 1.5}, str):
            return []
        problem = "it is no text"
    except (ValueError, TypeError, KeyError) as e:
        problem = str(e)
    return [
        checks.Error(
            "RELAY_RECONNECT_TEXT can't be filled in: %s." % problem,
            hint="Write %(after).1f where the seconds shall stand, and %% for a percent sign.",
            id="relay.E002",
        )
    ]


def check_connection_age(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.W001: a worker that may keep no database connection makes a new one for each message (B15)."""
    return [
        checks.Warning(
            "Connections to the database %r end after each message and each request: CONN_MAX_AGE is 0." % alias,
            hint="Set CONN_MAX_AGE in DATABASES[%r], to 60 for example." % alias,
            id="relay.W001",
        )
        for alias, database in settings.DATABASES.items()
        if database.get("ENGINE") and database.get("CONN_MAX_AGE", 0) == 0
    ]


def check_sqlite(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.W002: several processes write to a layer's file, and with Django's backend they find it locked."""
    layers = getattr(settings, "CHANNEL_LAYERS", {}).items()
    aliases = [
        layer.get("CONFIG", {}).get("alias", "default") for _, layer in layers if layer["BACKEND"] == DATABASE_LAYER
    ]
    return [
        checks.Warning(
            "A channel layer is in the SQLite database %r, which Django's own backend does not share well." % alias,
            hint="Set ENGINE in DATABASES[%r] to 'relay.backends.sqlite3'." % alias,
            id="relay.W002",
        )
        for alias in aliases
        if settings.DATABASES[alias]["ENGINE"] == "django.db.backends.sqlite3"
    ]


def check_layer_config(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.W012: what is left in CONFIG of a layer on Redis changes nothing elsewhere, encryption among it (D5)."""
    left = {
        alias: sorted(ONLY_ON_REDIS & layer.get("CONFIG", {}).keys())
        for alias, layer in getattr(settings, "CHANNEL_LAYERS", {}).items()
        if layer["BACKEND"] in (DATABASE_LAYER, MEMORY_LAYER)
    }
    return [
        checks.Warning(
            "The channel layer %r is not on Redis, and makes no use of %s." % (alias, ", ".join(names)),
            hint="Take them out of CHANNEL_LAYERS[%r]['CONFIG'], or set BACKEND to "
            "'relay.layers.redis.RedisChannelLayer'." % alias,
            id="relay.W012",
        )
        for alias, names in left.items()
        if names
    ]


def check_encoding(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.E005: in another encoding PostgreSQL refuses most of what people write, each time anew (P5)."""
    encodings = {alias: encoding_of(connections[alias]) for alias in settings.DATABASES}
    return [
        checks.Error(
            "The database %r is in the encoding %s, which has no room for most texts." % (alias, encoding),
            hint="Make it anew: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0; "
            "what is in the old one goes there with pg_dump and psql.",
            id="relay.E005",
        )
        for alias, encoding in encodings.items()
        if encoding not in ("UTF8", None)
    ]


def encoding_of(connection: Any) -> str | None:
    """PostgreSQL's name for the encoding of a database; None for other kinds, and for one that can't be reached now."""
    if connection.vendor != "postgresql":
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_encoding")
            return str(cursor.fetchone()[0])
    except OperationalError:
        return None


def check_machines(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.I002: a file is of one machine, and nothing else can tell how many there are."""
    return [
        checks.Info(
            "The database %r is a SQLite file: all processes must be on this machine." % alias,
            hint="Name a PostgreSQL server in DATABASES if there are others.",
            id="relay.I002",
        )
        for alias, database in settings.DATABASES.items()
        if database.get("ENGINE", "").endswith("sqlite3")
    ]


def check_consumers(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.E003: an async function as a consumer would be called and never run, and nothing would say so."""
    return [
        checks.Error(
            "The consumer %s.%s of %s is an async function." % (found.__module__, found.__qualname__, channel),
            hint="Consumers of Channels 1 are plain functions: take the `async` away, and each `await`.",
            id="relay.E003",
        )
        for alias in getattr(settings, "CHANNEL_LAYERS", {})
        for channel, consumer in consumers_of(channel_layers[alias].router.root)
        for found in functions_of(consumer)
        if inspect.iscoroutinefunction(inspect.unwrap(found))
    ]


def check_stock_layers(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.E007: asgi_redis' own layers call zadd as redis-py had it before 3, so each group that is used raises."""
    return [
        checks.Error(
            "The channel layer %r is %s, whose groups don't work with the installed redis-py."
            % (alias, layer["BACKEND"]),
            hint="Set BACKEND in CHANNEL_LAYERS[%r] to 'relay.layers.redis.Redis%sChannelLayer', which takes the same "
            "CONFIG." % (alias, "Sentinel" if "Sentinel" in layer["BACKEND"] else ""),
            id="relay.E007",
        )
        for alias, layer in getattr(settings, "CHANNEL_LAYERS", {}).items()
        if layer["BACKEND"].startswith("asgi_redis.")
    ]


def check_inline_bodies(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.E004: a body that goes with its request must fit into a message of the channel layer (S6)."""
    size = min(conf.get("INLINE_BODY_BYTES"), conf.get("MAX_BODY_BYTES") or math.inf)
    limits = {
        alias: layer.get("CONFIG", {}).get("message_size_limit", MESSAGE_SIZE_LIMIT)
        for alias, layer in getattr(settings, "CHANNEL_LAYERS", {}).items()
        if layer["BACKEND"].startswith("relay.")
    }
    return [
        checks.Error(
            "RELAY_INLINE_BODY_BYTES is %d, but a message of the channel layer %r takes %d bytes, with %d for headers."
            % (conf.get("INLINE_BODY_BYTES"), alias, limit, conf.ROOM_FOR_HEADERS),
            hint="Lower RELAY_INLINE_BODY_BYTES: workers fetch what is longer. Or raise message_size_limit in "
            "CHANNEL_LAYERS[%r]['CONFIG']." % alias,
            id="relay.E004",
        )
        for alias, limit in limits.items()
        if size > limit - conf.ROOM_FOR_HEADERS
    ]


def check_limits(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.W003, W004, W005: what keeps one client from taking all there is, and the dead from staying, is off."""
    found: list[checks.CheckMessage] = []
    if conf.get("FRAME_RATE") <= 0:
        found.append(
            checks.Warning(
                "RELAY_FRAME_RATE is 0: one socket may keep every worker busy.",
                hint="Set it to twice of what people send, 20 for example.",
                id="relay.W003",
            )
        )
    for name in LIMITS:
        if not conf.get(name):
            found.append(
                checks.Warning(
                    "RELAY_%s is 0: one client can fill the memory of an interface server." % name,
                    hint="Unset it: the default is %d." % getattr(conf, name),
                    id="relay.W004",
                )
            )
    if not conf.get("KEEPALIVE_INTERVAL"):
        found.append(
            checks.Warning(
                "RELAY_KEEPALIVE_INTERVAL is 0: sockets whose login has ended stay, and the dead are not found.",
                hint="Set it to 20, for example.",
                id="relay.W005",
            )
        )
    return found


def check_origins(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.W006: any page may open sockets here, with the cookies of whoever looks at it (F1)."""
    if "*" not in conf.get("ALLOWED_ORIGINS"):
        return []
    return [
        checks.Warning(
            "RELAY_ALLOWED_ORIGINS has *: the pages of any site may talk here as whoever looks at them.",
            hint="Name the origins, as browsers send them: https://chat.example.com.",
            id="relay.W006",
        )
    ]


def check_metrics(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.W007: where there are metrics, they are for those who have the token."""
    if getattr(settings, "RELAY_METRICS_TOKEN", None) != "":
        return []
    return [
        checks.Warning(
            "RELAY_METRICS_TOKEN is not set: nothing but the network keeps anybody from reading /metrics.",
            hint="Set it, and have Prometheus send it as its bearer token.",
            id="relay.W007",
        )
    ]


def check_redis(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.W008 to W011, W013 and I001, of each server that a channel layer is in: see relay.layers.redis.checks."""
    # Here, as most processes that run checks have no use for it.
    from relay.layers.redis.checks import check_servers

    return check_servers()


def check_notifications(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """relay.E006: nobody is woken behind a pooler that gives each transaction another session (P3)."""
    layers = getattr(settings, "CHANNEL_LAYERS", {})
    kept = [alias for alias, layer in layers.items() if layer["BACKEND"] == DATABASE_LAYER]
    if not kept:
        return []
    # Here, as not everybody has psycopg2.
    from relay.layers.database.checks import check_hearing

    return [message for alias in kept if (message := check_hearing(alias)) is not None]


def functions_of(consumer: Any) -> list[Any]:
    """The functions that a consumer is: several if it is a class of Channels' generic ones."""
    if not inspect.isclass(consumer):
        return [consumer]
    return [function for _, function in inspect.getmembers(consumer, inspect.isfunction)]


def consumers_of(included: Any) -> Iterator[tuple[str, Any]]:
    """The channel and the consumer of each route, also of those that are included."""
    for entry in included.routing:
        if hasattr(entry, "routing"):
            yield from consumers_of(entry)
        else:
            yield ", ".join(sorted(entry.channel_names())), entry.consumer


def ends_too_soon(group_expiry: float, keepalive_interval: float) -> bool:
    """Whether memberships may end though keepalives renew them: two must come in their time. 0: none are sent."""
    return bool(keepalive_interval) and group_expiry < 2 * keepalive_interval


def group_expiries() -> dict[str, float]:
    """Seconds that an unrenewed member stays in a group, for each configured layer."""
    return {
        alias: layer.get("CONFIG", {}).get("group_expiry", DEFAULT_GROUP_EXPIRY)
        for alias, layer in getattr(settings, "CHANNEL_LAYERS", {}).items()
    }
