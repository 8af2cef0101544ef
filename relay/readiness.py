"""What a message needs on its way, and what of it is missing, in words that say what to do."""

import functools
import os
from collections.abc import Callable
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER, channel_layers
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from relay.layers import leases

#: What is shown of what a process says of itself.
OF_WORKERS = ("host", "pid", "channels", "threads", "since")
OF_SERVERS = ("host", "pid", "sockets", "closing", "since")
#: Names that one sentence lists.
LISTED = 10


def state() -> dict[str, Any]:
    """
    What `/readyz` says: `missing` in sentences, and what they are about: the classes of errors, channels that nobody
    hears, migrations; besides, who lives. `warnings` are no reason to send nobody here.
    """
    answer: dict[str, Any] = {}
    missing = ask(answer)
    servers, workers = answer["interface_servers"], answer["workers"]
    if unheard := unheard_channels(workers):
        answer["unheard"] = unheard
        missing.append(
            "No worker listens on %s: start one, or look at --only-channels and --exclude-channels of those that run."
            % ", ".join(unheard)
        )
    if workers and not servers:
        answer["warnings"] = [
            "No interface server says that it lives: this one is not of relay, or does not reach the channel layer."
        ]
    if missing:
        answer["missing"] = missing
    # What is as it should be needs no words.
    said = {name: value for name, value in answer.items() if value or name in PROCESSES}
    return {"status": "unavailable" if missing else "ok", **said}


def ask(answer: dict[str, Any]) -> list[str]:
    """Note what each probe finds, or the class of its error; returns sentences about what is wrong."""
    missing = []
    for name, probe in PROBES.items():
        answer[name] = [] if name in PROCESSES else None
        if name in PROCESSES and answer["channel_layer"]:
            continue  # It would only take more time.
        try:
            answer[name] = probe()
        except Exception as e:
            error = type(e).__name__
            missing.append(READ_ONLY if isinstance(e, ReadOnly) else REMEDIES[name] % error)
            if name not in PROCESSES:
                answer[name] = error
    if unapplied := answer["migrations"] if isinstance(answer["migrations"], list) else []:
        listed = ", ".join(unapplied[:LISTED]) + (" and others" if len(unapplied) > LISTED else "")
        missing.append("Migrations are not applied: %s. Run manage.py migrate." % listed)
    return missing


class ReadOnly(Exception):
    """Raised when the database answers, and can't be written."""


def probe_database() -> None:
    """Raises ReadOnly, or what the database does."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA query_only")
            writable = not cursor.fetchone()[0] and can_write(connection.settings_dict["NAME"])
    else:
        with connection.cursor() as cursor:
            # Also `on` where the server is a standby.
            cursor.execute("SHOW transaction_read_only")
            writable = cursor.fetchone()[0] == "off"
    if not writable:
        # The next look has a new connection, which may lead to another server, or have other settings.
        connection.close()
        raise ReadOnly


def can_write(path: str) -> bool:
    """Whether SQLite may write this file, and its log beside it. A disk may be mounted to be read only."""
    return os.access(path, os.W_OK) and os.access(os.path.dirname(os.path.abspath(path)), os.W_OK)


def probe_layer() -> None:
    channel_layers[DEFAULT_CHANNEL_LAYER].group_channels("readyz")


def unapplied_migrations() -> list[str]:
    """The migrations that this release has and the database has not."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted("%s.%s" % key for key in known_migrations() - set(applied))


@functools.cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """Read from the disk once: that takes a tenth of a second."""
    return frozenset(MigrationLoader(None).graph.nodes)


def living(kind: str, shown: tuple[str, ...]) -> list[dict[str, Any]]:
    """The processes that tell the layer that they live, if it keeps that."""
    layer = channel_layers[DEFAULT_CHANNEL_LAYER]
    found = layer.notes(kind) if leases(layer) else {}
    return [{"name": name, **{key: report.get(key) for key in shown}} for name, report in sorted(found.items())]


def unheard_channels(workers: list[dict[str, Any]]) -> list[str]:
    """Channels that have consumers, and no worker. Channels' own workers say nothing of themselves: then, none."""
    heard = {channel for worker in workers for channel in worker["channels"]}
    return sorted(channel_layers[DEFAULT_CHANNEL_LAYER].router.channels - heard) if workers else []


PROCESSES = ("interface_servers", "workers")
#: Each raises if it finds that something is away.
PROBES: dict[str, Callable[[], Any]] = {
    "database": lambda: probe_database(),
    "migrations": lambda: unapplied_migrations(),
    "channel_layer": lambda: probe_layer(),
    "workers": lambda: living("worker", OF_WORKERS),
    "interface_servers": lambda: living("interface", OF_SERVERS),
}
READ_ONLY = (
    "The database is read-only, so what is to be stored waits. After a failover: does DATABASES['default'] name the "
    "server that can be written?"
)
REMEDIES = {
    "database": "The database does not answer (%s). Does its server run, and is DATABASES['default'] right?",
    "migrations": "The database could not be asked which migrations are applied (%s).",
    "channel_layer": "The channel layer does not answer (%s). Does its server run, and is CHANNEL_LAYERS['default'] "
    "right?",
    "workers": "The channel layer could not be asked which workers live (%s).",
    "interface_servers": "The channel layer could not be asked which interface servers live (%s).",
}
