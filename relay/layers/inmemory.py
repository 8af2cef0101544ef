"""
The layer of one process: interface server and workers are threads of it. The embedded default of `runserver`.

The module's name tells Channels that the layer is local (`ChannelLayerWrapper.local_only` looks for "inmemory").
"""

from typing import Any

from asgiref import inmemory

from relay.names import StrictNames


class ChannelLayer(StrictNames, inmemory.ChannelLayer):
    """
    asgiref's in-memory layer, with group calls that are safe beside other threads.

    The parent walks a group while another thread may add to it ("dictionary changed size during iteration"), and it
    takes a full reply channel for nothing worth telling.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        #: Group messages that a member did not get because its channel was full.
        self.dropped_from_groups = 0

    def group_channels(self, group: str) -> list[str]:
        with self.thread_lock:
            return list(self._groups.get(group, ()))

    def send_group(self, group: str, message: dict[str, Any]) -> None:
        self.valid_group_name(group)
        self._clean_expired()
        for channel in self.group_channels(group):
            try:
                self.send(channel, message)
            except self.ChannelFull:
                self.dropped_from_groups += 1
