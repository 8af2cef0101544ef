"""Sending to a group, so that nothing is lost without a word."""

import logging
from typing import Any

from asgiref.base_layer import BaseChannelLayer

logger = logging.getLogger(__name__)


class CountedGroups(BaseChannelLayer):
    """
    Mix-in for asgiref's BaseChannelLayer: a group send which counts and logs whom it did not reach.

    The parents' layers take a full member for nothing worth telling.
    """

    #: Group messages that a member did not get because its channel was full.
    dropped_from_groups = 0

    def send_group(self, group: str, message: dict[str, Any]) -> None:
        """Send to every member. One whose channel is full misses the message."""
        self.valid_group_name(group)
        full = 0
        for channel in self.group_channels(group):
            try:
                self.send(channel, message)
            except self.ChannelFull:
                full += 1
        if full:
            self.dropped_from_groups += full
            logger.warning("%d members of group %s missed a message: their channels are full", full, group)
