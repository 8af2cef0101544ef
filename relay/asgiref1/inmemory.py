"""`asgiref.inmemory`: the layer that the test cases of Channels put in the place of a project's own."""

from typing import Any

from relay.compat import accept_set_up_of_instances
from relay.layers import inmemory


class ChannelLayer(inmemory.ChannelLayer):
    """relay's in-memory layer, with asgiref 1's default capacity, which tests rely on."""

    def __init__(self, expiry: float = 60, group_expiry: float = 86400, capacity: int = 10, **kwargs: Any):
        super().__init__(expiry, group_expiry, capacity, **kwargs)


# Whoever imports this is about to define those test cases.
accept_set_up_of_instances()
