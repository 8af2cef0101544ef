"""A reader of the Redis layer: what it takes, what it owes, and how it waits without asking again and again."""

import logging
import os
import select
import time
from collections.abc import Iterable
from typing import Any

import redis

from relay.exceptions import LayerUnavailable
from relay.layers.delivery import Delivery, Lease, Owed, Record, by_holder, finish, warn_of_lost
from relay.layers.readers import Reader
from relay.layers.redis import records
from relay.layers.redis.client import connect
from relay.layers.redis.keys import Keys
from relay.layers.redis.shard import Shard

logger = logging.getLogger(__name__)

#: Lanes that one call of a script is given at most, lest its arguments overflow Lua's stack.
BATCH = 1000
#: Seconds beyond the time asked for after which a blocked server counts as gone.
GRACE = 3


class RedisReader(Reader):
    """relay's Reader, with its state on each server: the number of its last take, and acknowledgements to come."""

    def __init__(self, name: str, keys: Keys, shards: list[Shard], lease: float):
        super().__init__(name)
        self.keys = keys
        self.held = keys.held(name)
        self.shards = shards
        self.lease = int(lease * 1000)
        #: Numbers of the last take on each server, and of the last one that was answered.
        self.takes = [0] * len(shards)
        self.answered = [0] * len(shards)
        #: What each server has not been told.
        self.owed = [Owed() for _ in shards]
        #: Servers whose bells it has heard and not followed: they rang for nobody else.
        self.heard: set[int] = set()
        self.ears = [Ear(shard) for shard in shards]
        self.closing, self.closer = os.pipe()

    def owe(self, deliveries: Iterable[Delivery]) -> None:
        """Note that these are handled. The next take tells the server; those of another reader are told at once."""
        for (reader, shard), leases in by_holder(finish(deliveries)).items():
            if reader is not self:
                reader.tell(shard, leases)
                continue
            for lease in leases:
                self.owed[shard.index].add(lease)

    def take(self, shard: Shard, names: list[str], limit: int, company: bool) -> list[tuple[Lease, list[Record]]]:
        """
        Acknowledge what is owed to this server, and lease what it has. Nothing while it can't be reached; what such a
        take may have leased all the same is given back by the next one. `company`: there are others already. With the
        limit 0 it only passes the bell on, if there is something.
        """
        index = shard.index
        if not shard.may_be_tried():
            return []
        self.takes[index] += 1
        take, answered = self.takes[index], self.answered[index]
        owed = self.owed[index].first(BATCH)
        pairs = [key for name in names for key in (self.keys.ready(name), self.keys.bell(name))]
        keys = [self.held, self.keys.taken(self.name), *pairs, *self.lane_keys(lease for lease, _ in owed)]
        args: list[Any] = [take, answered, limit, self.lease, len(names), int(company), *told(owed)]
        try:
            shard.catch_up()
            *lanes, lost = shard.run("lane_take", keys, args)
        except LayerUnavailable:
            return []
        except redis.ResponseError as e:
            # Others have what they have leased; this one is asked again.
            logger.exception("Redis server %d can't be read", index)
            shard.failed(e)
            return []
        self.answered[index] = take
        self.heard.discard(index)
        self.owed[index].told(owed)
        if take == answered + 1:
            warn_of_lost(lost)
        return [self.leased(shard, *lane) for lane in lanes]

    def leased(self, shard: Shard, lane: bytes, failed: bytes, found: list[bytes]) -> tuple[Lease, list[Record]]:
        lease = Lease(self.keys.lane_of(lane.decode()), (self, shard), self.takes[shard.index], len(found))
        return lease, [records.unpack(self.keys, raw, int(failed) + 1) for raw in found]

    def settle(self) -> None:
        """Tell the servers what they were not told with a take."""
        for shard in self.shards:
            self.tell(shard, list(self.owed[shard.index].leases))

    def tell(self, shard: Shard, leases: list[Lease]) -> None:
        """Say how far leases on one server are done, now or as soon as it is back."""
        for start in range(0, len(leases), BATCH):
            part = [(lease, lease.done) for lease in leases[start : start + BATCH]]
            keys = [self.held, *self.lane_keys(lease for lease, _ in part)]
            warn_of_lost(shard.run_or_later("lane_acknowledge", keys, told(part)))
            self.owed[shard.index].told(part)

    def lane_keys(self, leases: Iterable[Lease]) -> list[str]:
        return [self.keys.lane(lease.lane) for lease in leases]

    def wait(self, names: list[str], seconds: float) -> bool:
        """Wait until there may be something on one of these channels; False after that time, or if it is closed."""
        if self.closed or seconds <= 0:
            return False
        poll = select.poll()
        poll.register(self.closing, select.POLLIN)
        listening: list[Ear] = []
        try:
            for ear in self.ears:
                if ear.listen([self.keys.bell(name) for name in names], seconds, poll):
                    listening.append(ear)
            # With no server to listen to, until one may be tried again.
            patience = seconds + GRACE if listening else min(seconds, max(0.01, min(map(Shard.pause, self.shards))))
            answers = self.first_answers(listening, poll, time.monotonic() + patience)
        except BaseException:
            for ear in listening:
                ear.stop_at_once()
            raise
        if self.closed:
            for ear in listening:
                ear.stop_at_once()
        else:
            self.heard = {ear.shard.index for ear in listening if (answers[ear] if ear in answers else ear.stop())}
        return not self.closed and (bool(self.heard) or not listening)

    def first_answers(self, listening: list["Ear"], poll: Any, give_up_at: float) -> dict["Ear", bool]:
        """What the servers say that answer first. Empty if none does until then, or if the reader is closed."""
        answers: dict[Ear, bool] = {}
        while not answers:
            woken = {number for number, _ in poll.poll(max(0, (give_up_at - time.monotonic()) * 1000))}
            if not woken or self.closed:
                break
            for ear in listening:
                if ear.number in woken and (answer := ear.hear()) is not None:
                    answers[ear] = answer
        return answers

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.write(self.closer, b"x")

    def abandon(self) -> None:
        for ear in self.ears:
            ear.connection = None

    def __del__(self) -> None:
        os.close(self.closing)
        os.close(self.closer)


class Ear:
    """A connection to one server that waits for a bell. It is kept, and not from the pool: it blocks."""

    def __init__(self, shard: Shard):
        self.shard = shard
        self.connection: Any = None
        self.client_id = 0
        self.number = -1

    def listen(self, bells: list[str], seconds: float, poll: Any) -> bool:
        """Begin to wait. False if the server can't be reached."""
        if not self.shard.may_be_tried():
            return False
        try:
            self.connect()
            self.connection.send_command("BLPOP", *bells, "%.3f" % max(seconds, 0.01))
        except (redis.ConnectionError, redis.TimeoutError) as e:
            self.stop_at_once()
            self.shard.failed(e)
            return False
        except BaseException:
            self.stop_at_once()
            raise
        self.number = self.connection._sock.fileno()
        poll.register(self.number, select.POLLIN)
        return True

    def connect(self) -> None:
        """Make sure that there is a connection, and that its number among the server's clients is known."""
        if self.connection is None:
            self.connection = self.shard.client().connection_pool.make_connection()
        before = self.connection._sock
        connect(self.connection)
        if self.connection._sock is not before:
            self.connection.send_command("CLIENT", "ID")
            self.client_id = self.connection.read_response()

    def hear(self, seconds: float = 0) -> bool | None:
        """
        Read what came: True for a bell, False for the end of the time. None if no whole answer comes in these seconds:
        half of one may have woken us, or what TLS has to say.
        """
        try:
            return self.connection.read_response(timeout=seconds, disconnect_on_error=False) is not None
        except redis.TimeoutError:
            return None
        except redis.ConnectionError as e:
            self.stop_at_once()
            self.shard.failed(e)
            return True  # Whoever waits has another look.
        except redis.ResponseError as e:
            logger.warning("Redis server %d ends a wait: %s", self.shard.index, e)
            return True

    def stop(self) -> bool:
        """Wait no longer. True if a bell may have rung meanwhile: it would be heard by nobody else."""
        try:
            self.shard.client().execute_command("CLIENT", "UNBLOCK", self.client_id)
        except redis.RedisError as e:
            self.shard.failed(e)
            self.stop_at_once()
            return False
        answer = self.hear(GRACE)
        if answer is None:
            # It may still come, and is not to be taken for the answer to something else.
            self.stop_at_once()
        return answer is not False

    def stop_at_once(self) -> None:
        if self.connection is not None:
            self.connection.disconnect()


def told(leases: Iterable[tuple[Lease, int]]) -> list[int]:
    """How far these are done, as scripts are told: see `lua/include/acknowledge.lua`."""
    return [value for lease, done in leases for value in (lease.take, done)]
