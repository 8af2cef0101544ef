"""The layer in the project's own database. For CHANNEL_LAYERS: `relay.layers.database.DatabaseChannelLayer`."""

from relay.layers.database.layer import DatabaseChannelLayer

__all__ = ["DatabaseChannelLayer"]
