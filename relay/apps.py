"""Django's view of relay: a name, and the system checks."""

import logging

from channels import hacks, log
from django.apps import AppConfig
from django.core import checks

from relay.checks import (
    check_connection_age,
    check_consumers,
    check_encoding,
    check_inline_bodies,
    check_keepalive,
    check_layer_config,
    check_limits,
    check_machines,
    check_metrics,
    check_notifications,
    check_origins,
    check_reconnect_text,
    check_redis,
    check_sqlite,
    check_stock_layers,
)
from relay.traces import mark_records


class RelayConfig(AppConfig):
    """List it before `channels`, so that its commands win over theirs of the same name."""

    name = "relay"
    verbose_name = "Relay"

    def ready(self) -> None:
        checks.register(check_keepalive)
        checks.register(check_reconnect_text)
        checks.register(check_connection_age)
        checks.register(check_consumers)
        checks.register(check_sqlite)
        checks.register(check_layer_config)
        checks.register(check_stock_layers)
        checks.register(check_encoding, checks.Tags.database)
        checks.register(check_notifications, checks.Tags.database)
        checks.register(check_inline_bodies)
        for check in (check_limits, check_origins, check_metrics, check_machines, check_redis):
            checks.register(check, deploy=True)
        mark_records()
        # Django's runserver with static files need not become Channels': ours wins over both. To do it would import the
        # interface server in every process, which is a quarter of a worker's start.
        hacks.monkeypatch_django = nothing
        # Channels' commands add a handler of their own to loggers that also propagate, so each line came twice and in
        # two formats. Where logs go is for the project's LOGGING to say.
        log.handler = logging.NullHandler()


def nothing() -> None:
    """What Channels does to Django's runserver."""
