"""A check that asks PostgreSQL whether it can wake those who wait on a channel layer."""

import psycopg2
from channels import channel_layers
from django.core import checks
from django.db import DatabaseError

#: Seconds in which a notification comes, if any does.
PATIENCE = 3.0


def check_hearing(alias: str) -> checks.CheckMessage | None:
    """Of the database layer with this alias. One whose server can't be reached now is not judged."""
    store = channel_layers[alias].channel_layer.store
    try:
        if store.connection.vendor != "postgresql" or store.hears(PATIENCE):
            return None
    except (psycopg2.Error, DatabaseError):
        return None
    return checks.Error(
        "The channel layer %r hears no notifications of PostgreSQL: each message would wait for seconds. A pooler is "
        "in between that gives each transaction another session, as PgBouncer does with pool_mode = transaction."
        % alias,
        hint="Name PostgreSQL itself as direct_url in CHANNEL_LAYERS[%r]['CONFIG']: each process keeps one connection "
        "there. Or use a pool that keeps its sessions, or Redis." % alias,
        id="relay.E006",
    )
