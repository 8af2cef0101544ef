"""Finding the layer that a command is about."""

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from channels import channel_layers
from django.core.management.base import CommandError
from django.db import connections

from relay.exceptions import LayerUnavailable
from relay.layers import leases


def refuse_while_away(handle: Callable[..., None]) -> Callable[..., None]:
    """A command's `handle` that says in a sentence that the layer's server can't be reached."""

    @functools.wraps(handle)
    def inner(*args: Any, **options: Any) -> None:
        try:
            handle(*args, **options)
        except LayerUnavailable as e:
            raise CommandError("%s. Is its address in CHANNEL_LAYERS right, and does it run?" % e) from e

    return inner


def layer_named(alias: str) -> Any:
    """The layer with this alias in CHANNEL_LAYERS. Raises CommandError if there is none, or it keeps no such things."""
    if alias not in channel_layers:
        raise CommandError("CHANNEL_LAYERS has no layer %r." % alias)
    layer = channel_layers[alias]
    if layer.local_only():
        raise CommandError(
            "The layer %r is in memory: each process has its own, and this one's is empty. "
            "CHANNEL_LAYERS says which to use." % alias
        )
    if not leases(layer):
        raise CommandError(
            "The layer %r (%s) keeps no such figures. Use a layer of relay.layers in CHANNEL_LAYERS."
            % (alias, type(layer.channel_layer).__name__)
        )
    return layer


def described(alias: str) -> str:
    """Where the layer with this alias keeps its messages, without passwords: what a command says that it used."""
    if channel_layers[alias].local_only():
        return "the memory of this process"
    config = channel_layers.configs[alias].get("CONFIG", {})
    if hosts := config.get("hosts"):
        return ", ".join(map(address, hosts))
    database = connections[config.get("alias", "default")]
    if database.vendor == "sqlite":
        return "the database %s" % database.settings_dict["NAME"]
    settings = database.settings_dict
    return "the database %s on %s" % (settings["NAME"], settings["HOST"] or "this machine")


def address(host: Any) -> str:
    """The address of a layer's server, as CHANNEL_LAYERS names it: a URL, or a host and a port."""
    if not isinstance(host, str):
        return "%s:%s" % tuple(host)
    url = urlsplit(host)
    return url._replace(netloc=url.netloc.rpartition("@")[2], query="").geturl()
