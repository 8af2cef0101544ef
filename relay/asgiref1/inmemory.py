"""`asgiref.inmemory`: the layer that the test cases of Channels put in the place of a project's own."""

from relay.layers.inmemory import ChannelLayer

__all__ = ["ChannelLayer"]
