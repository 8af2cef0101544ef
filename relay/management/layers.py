"""Finding the layer that a command is about."""

from typing import Any

from channels import channel_layers
from django.core.management.base import CommandError

from relay.layers import leases


def layer_named(alias: str) -> Any:
    """The layer with this alias in CHANNEL_LAYERS. Raises CommandError if there is none, or it keeps no such things."""
    if alias not in channel_layers:
        raise CommandError("CHANNEL_LAYERS has no layer %r." % alias)
    layer = channel_layers[alias]
    if layer.local_only():
        raise CommandError(
            "The layer %r is in memory: each process has its own, and this one's is empty. Set REDIS_URL." % alias
        )
    if not leases(layer):
        raise CommandError(
            "The layer %r (%s) keeps no such figures. Use relay.layers.redis.RedisChannelLayer in CHANNEL_LAYERS."
            % (alias, type(layer.channel_layer).__name__)
        )
    return layer
