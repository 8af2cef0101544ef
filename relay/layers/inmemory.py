"""
The layer of one process: interface server and workers are threads of it. The embedded default of `runserver`.

The module's name tells Channels that the layer is local (`ChannelLayerWrapper.local_only` looks for "inmemory").
"""

from asgiref import inmemory

from relay.layers.groups import CountedGroups
from relay.names import StrictNames


class ChannelLayer(StrictNames, CountedGroups, inmemory.ChannelLayer):
    """
    asgiref's in-memory layer, with groups that are safe beside other threads.

    The parent walks a group while another thread may add to it ("dictionary changed size during iteration").
    """

    def group_channels(self, group: str) -> list[str]:
        """The members, without those whose membership has ended."""
        self._clean_expired()
        with self.thread_lock:
            return list(self._groups.get(group, ()))
