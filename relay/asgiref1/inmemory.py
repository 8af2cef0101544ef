"""`asgiref.inmemory`: the layer that the test cases of Channels put in the place of a project's own."""

from relay.compat import accept_set_up_of_instances
from relay.layers.inmemory import ChannelLayer

__all__ = ["ChannelLayer"]

# Whoever imports this is about to define those test cases.
accept_set_up_of_instances()
