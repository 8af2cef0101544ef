"""One Redis server of a layer: running scripts on it, and what to do while it can't be reached."""

from collections.abc import Callable, Sequence
from typing import Any

import redis

from relay import scripts
from relay.exceptions import LayerLate, LayerUnavailable
from relay.layers.redis.client import is_read_only
from relay.layers.remote import Remote

#: What a server says that is there but takes no commands now: as redis-py's errors, or in their text.
NOT_NOW = (redis.exceptions.MasterDownError, redis.exceptions.OutOfMemoryError)
NOT_NOW_WORDS = ("BUSY", "MASTERDOWN", "OOM", "MISCONF", "NOREPLICAS")


class Shard(Remote):
    """
    A Redis server, by its index among the layer's hosts.

    client: gives the client for it; with Sentinel, the one for whoever is master. use: what it is used for, for logs.
    """

    def __init__(self, index: int, client: Callable[[], redis.Redis], shared_keys: Sequence[str], use: str = ""):
        super().__init__("%sRedis server %d" % (use, index))
        self.index = index
        self.client = client
        self.shared_keys = shared_keys

    def run(self, script: str, keys: Sequence[str] = (), args: Sequence[Any] = ()) -> Any:
        """Run `lua/<script>.lua`. Raises LayerUnavailable; then it is not known whether the server has run it."""
        try:
            answer = evaluate(self.client(), script, (*self.shared_keys, *keys), args)
        except redis.TimeoutError as e:
            self.failed(e)
            raise LayerLate("%s does not answer in time: %s" % (self.name, e)) from e
        except redis.ConnectionError as e:
            self.failed(e)
            raise LayerUnavailable("%s can't be reached: %s" % (self.name, e)) from e
        except redis.ResponseError as e:
            if not (is_read_only(e) or isinstance(e, NOT_NOW) or any(word in str(e) for word in NOT_NOW_WORDS)):
                raise
            self.failed(e)
            raise LayerUnavailable("%s takes no commands now: %s" % (self.name, e)) from e
        self.answered()
        return answer

    def run_patiently(self, script: str, keys: Sequence[str], args: Sequence[Any], patience: float) -> Any:
        """`Remote.patiently`, for a script."""
        return self.patiently(lambda: self.run(script, keys, args), patience)

    def run_or_later(self, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """`Remote.or_later`, for a script."""
        return self.or_later(lambda: self.run(script, keys, args))


def evaluate(client: redis.Redis, script: str, keys: Sequence[str], args: Sequence[Any]) -> Any:
    """Run a script by its digest; send its text if the server does not know it yet."""
    try:
        return client.execute_command("EVALSHA", scripts.digest(script), len(keys), *keys, *args)
    except redis.exceptions.NoScriptError:
        return client.execute_command("EVAL", scripts.source(script), len(keys), *keys, *args)
