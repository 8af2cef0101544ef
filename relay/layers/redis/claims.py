"""One deployment at a time on a prefix: two would take each other's messages (L6)."""

import logging
import math
import time
from typing import Any

from relay.exceptions import LayerUnavailable, PrefixTaken
from relay.layers.heart import Beating
from relay.layers.redis.keys import Keys
from relay.layers.redis.shard import Shard

logger = logging.getLogger(__name__)

#: Leases without a beat of any of its processes after which a deployment loses the prefix (see keys.py).
LEASES = 3
#: Seconds between two complaints that another deployment has the prefix.
COMPLAINT_INTERVAL = 60.0


class Claims(Beating):
    """
    A part of the Redis layers. Each server keeps the identity of the deployment that has the prefix, for `LEASES`
    leases; the beats of that deployment renew it. So a claim ends by itself when nobody is left who renews it, and a
    database that was replaced locks nobody out. When the server has lost its data, whoever beats first has the prefix.
    """

    claimable = True
    keys: Keys
    shards: list[Shard]

    def __init__(self, *args: Any, **kwargs: Any):
        #: Whose beats these are. Empty: nobody has said so, and they neither claim nor renew.
        self.identity = ""
        self._complained_at = -math.inf
        super().__init__(*args, **kwargs)

    def claim(self, identity: str) -> None:
        """`LeasingLayer.claim`. A server that is away is claimed by the first beat that reaches it."""
        self.identity = identity
        for shard in self.shards:
            try:
                holder = shard.run("claim", [self.keys.deployment], [identity, self._claim_lasts])
            except LayerUnavailable:
                logger.info("%s will be claimed for this deployment when it is back", shard.name)
                continue
            if holder.decode() != identity:
                raise PrefixTaken(self._refusal(shard))

    @property
    def _claim_lasts(self) -> int:
        """Milliseconds that a claim lasts unless it is renewed."""
        return max(1, int(self.lease * LEASES * 1000))

    def _heed(self, shard: Shard, holder: bytes) -> None:
        """Complain, now and then, if a beat finds that another deployment has the prefix. Empty: nobody asked."""
        if not holder or holder.decode() == self.identity:
            return
        now = time.monotonic()
        if now - self._complained_at >= COMPLAINT_INTERVAL:
            self._complained_at = now
            logger.error("%s", self._refusal(shard))

    def _release(self, shard: Shard) -> None:
        """Give the prefix up, if this was the last process of the deployment."""
        if self.identity:
            shard.run("release", [self.keys.deployment], [self.identity])

    def _refusal(self, shard: Shard) -> str:
        return (
            "Another deployment, with another database, uses the prefix %r on %s: each would handle messages of the "
            "other. Set another `prefix` in the CONFIG of CHANNEL_LAYERS (CHANNEL_PREFIX, where the settings read it "
            "from there). If that deployment has just ended, its claim lasts for up to %g s."
            % (self.prefix, shard.name, self._claim_lasts / 1000)
        )
