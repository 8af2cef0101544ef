"""The Redis layer: lanes, leases and groups on one or several servers."""

import functools
import json
import logging
import random
import secrets
import time
from collections.abc import Iterable
from typing import Any

import redis
from asgi_redis import core

from relay.exceptions import LayerUnavailable
from relay.layers.delivery import (
    ChannelStatus,
    DeadLetter,
    Delivery,
    Lease,
    Outgoing,
    Record,
    by_holder,
    finish,
    leases_of,
    storable,
    warn_of_lost,
)
from relay.layers.heart import warn_of_released
from relay.layers.redis import records
from relay.layers.redis.addresses import shown
from relay.layers.redis.claims import Claims
from relay.layers.redis.client import Client
from relay.layers.redis.groups import RedisGroups
from relay.layers.redis.keys import Keys
from relay.layers.redis.reader import BATCH, RedisReader
from relay.layers.redis.shard import Shard

logger = logging.getLogger(__name__)

#: Time limits of connections: a blocking wait is shorter, so a longer silence means that the server is gone (A18).
CONNECTION = {"socket_timeout": 5, "socket_connect_timeout": 3, "socket_keepalive": True}
#: When a channel is full: milliseconds between two clean-ups, and lanes of each channel that one looks at.
SWEEP_PAUSE, SWEEP_BATCH = 100, 1000
#: Lanes of each channel that the clean-up with a beat looks at.
BEAT_BATCH = 50


class LeasingRedisLayer(RedisGroups, Claims):
    """
    What relay's two Redis layers share.

    connection_kwargs: for redis-py's connections; the time limits in `CONNECTION` hold unless given.
    """

    def __init__(
        self,
        *args: Any,
        prefix: str = "asgi:",
        connection_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        self.keys = Keys(prefix)
        self.connection_limits = {**CONNECTION, **(connection_kwargs or {})}
        super().__init__(*args, prefix=prefix, connection_kwargs=self.connection_limits, **kwargs)
        self.shards = [
            Shard(index, functools.partial(self.connection, index), self.keys.shared) for index in range(self.ring_size)
        ]
        #: The same servers, for beats: on connections of their own, which wait for no longer than one may.
        self.pulses = [
            Shard(
                index,
                functools.cache(functools.partial(self._pulse_client, index)),
                self.keys.shared,
                "The heartbeat of ",
            )
            for index in range(self.ring_size)
        ]

    @property
    def remotes(self) -> list[Shard]:
        return self.shards

    def _register_scripts(self) -> None:
        """asgi_redis's own scripts are not used here."""

    def _make_reader(self, name: str) -> RedisReader:
        return RedisReader(name, self.keys, self.shards, self.lease)

    def _beat(self, shard: Shard) -> tuple[bytes, int, float]:
        readers, processes = self.who_lives()
        lives = [*(reader.held for reader in readers), *map(self.keys.ready, processes)]
        keys = [self.keys.epoch, self.keys.deployment, *lives]
        args = (int(self.lease * 1000), secrets.token_hex(8), len(readers), self.identity, self._claim_lasts)
        epoch, missing, milliseconds, holder = self.pulses[shard.index].run("beat", keys, args)
        self._heed(shard, holder)
        return epoch, missing, milliseconds / 1000

    def _pulse_client(self, index: int) -> redis.Redis:
        """A client for beats on the server with that index."""
        return self._make_client(index, socket_timeout=self._pulse, socket_connect_timeout=self._pulse)

    def _make_client(self, index: int, **limits: Any) -> redis.Redis:
        """A client of its own for the server with that index, whose connections have these options above all."""
        raise NotImplementedError

    def _wake_rested(self, shard: Shard) -> None:
        shard.run("lane_wake")

    def _clean_up(self, shard: Shard, pause: float) -> None:
        self._sweep(shard, int(pause * 1000), BEAT_BATCH)

    def _take_leave(self, shard: Shard, readers: list[RedisReader], processes: list[str]) -> None:
        shard.run("leave", [*(reader.held for reader in readers), *map(self.keys.ready, processes)], [len(readers)])
        self._release(shard)

    def shard_of(self, name: str) -> Shard:
        return self.shards[self.consistent_hash(name)]

    # Sending

    def _send(self, outgoing: list[Outgoing]) -> list[int]:
        """Each to its server; one that may go to any, and is refused by the first, to the next."""
        ways = [self._ways(message) for message in outgoing]
        left = list(range(len(outgoing)))
        refused: list[int] = []
        for attempt in range(self.ring_size):
            by_shard: dict[Shard, list[int]] = {}
            for position in left:
                by_shard.setdefault(ways[position][attempt], []).append(position)
            left = []
            for shard, positions in by_shard.items():
                for position in self._put_or_sweep(shard, outgoing, positions):
                    (left if attempt + 1 < len(ways[position]) else refused).append(position)
        self._count_refused([(ways[position][-1], outgoing[position].channel) for position in refused])
        return sorted(refused)

    def _count_refused(self, refused: list[tuple[Shard, str]]) -> None:
        """Count messages that were refused for good, by the server that refused them last and their channel."""
        by_shard: dict[Shard, list[str]] = {}
        for shard, channel in refused:
            by_shard.setdefault(shard, []).append(self.keys.ready(channel))
        for shard, channels in by_shard.items():
            try:
                shard.run("lane_refuse", channels)
            except LayerUnavailable:
                logger.warning("%d messages that were refused could not be counted", len(channels))

    def _ways(self, message: Outgoing) -> list[Shard]:
        """The servers that a message may go to. A lane lives on one; a message that is a lane of its own, on any."""
        if message.lane != message.id:
            return [self.shard_of(message.lane)]
        return sorted(random.sample(self.shards, self.ring_size), key=Shard.pause)

    def _put_or_sweep(self, shard: Shard, outgoing: list[Outgoing], positions: list[int]) -> list[int]:
        """Send those at these positions to one server. If it refuses some, make room from what has expired."""
        for _ in range(2):
            places = self._put(shard, [outgoing[position] for position in positions])
            positions = [positions[place - 1] for place in places]
            if not positions or not self._sweep(shard):
                break
        return positions

    def _sweep(self, shard: Shard, pause: int = SWEEP_PAUSE, batch: int = SWEEP_BATCH) -> bool:
        """
        Clean up on a server, unless that was done less than `pause` milliseconds ago; whether it was. `batch` lanes of
        each channel are looked at for what has expired.
        """
        lease = int(self.lease * 1000)
        released = shard.run("sweep", [self.keys.swept], (pause, lease // 2, self.max_deliveries, batch))
        warn_of_released(released)
        return released >= 0

    def _put(self, shard: Shard, messages: list[Outgoing], tell: bool = False) -> list[int]:
        """
        Send to one server; returns the places, from 1, of those that were refused. To `tell` an interface process about
        its groups there is always room, and it lasts as long as a membership.
        """
        channels: dict[tuple[str, int, int], int] = {}
        lanes, args = [], []
        for message in messages:
            room = 2**31 if tell else self._room(shard, message)
            number = channels.setdefault((message.channel, room, self.share_of(message)), len(channels) + 1)
            lanes.append(self.keys.lane(message.lane))
            ready = self.keys.ready(message.channel)
            args += [number, records.rest(ready, message.id, message.target, message.body)]
        keys = [self.keys.ready(channel) for channel, _, _ in channels]
        limits: list[int] = []
        for channel, room, share in channels:
            limits += [self._milliseconds(self.group_expiry if tell else self.expiry_of(channel)), room, share]
        return self._run_once(shard, "lane_send", [*keys, *lanes], [len(keys), *limits, *args])

    def _room(self, shard: Shard, message: Outgoing) -> int:
        """
        What a server may hold of the message's channel: of one whose messages go to any server its part of the
        capacity, of one whose messages are bound to a server all of it.
        """
        capacity = self.get_capacity(message.channel)
        return capacity if message.lane != message.id else (capacity + shard.index) // self.ring_size

    def _run_once(self, shard: Shard, script: str, keys: list[str], args: list[Any]) -> Any:
        """Run a sending script so that it has its effect once, under the name of this thread as sender."""
        name, call = self.sender.next_call(self.new_id)
        return shard.run_patiently(script, [self.keys.sender(name), *keys], [call, *args], self._patience_of_sender())

    @staticmethod
    def _milliseconds(seconds: float | None) -> int:
        """For scripts: 0 is no end."""
        return 0 if seconds is None else max(1, int(seconds * 1000))

    # Receiving

    def _lease(
        self, reader: RedisReader, names: list[str], limit: int, block: bool, done: list[Delivery]
    ) -> list[tuple[Lease, list[Record]]]:
        self._start()
        reader.owe(done)
        give_up_at = time.monotonic() + self.blpop_timeout
        while True:
            leases: list[tuple[Lease, list[Record]]] = []
            # In any order, so that no server and no channel starves another.
            for shard in random.sample(self.shards, len(self.shards)):
                room = min(limit, BATCH) - sum(len(found) for _, found in leases)
                if any(record.attempts > 1 for _, found in leases for record in found):
                    room = 0
                if room > 0 or shard.index in reader.heard:
                    leases += reader.take(shard, random.sample(names, len(names)), room, company=bool(leases))
            if leases:
                reader.settle()
                return leases
            if not block or not reader.wait(names, give_up_at - time.monotonic()):
                return []

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        for (reader, shard), leases in by_holder(finish(deliveries)).items():
            reader.tell(shard, leases)

    def give_back(self, deliveries: Iterable[Delivery], reason: str = "", delay: float = 0) -> None:
        for (reader, shard), leases in by_holder(leases_of(deliveries)).items():
            reader.settle()
            keys = [reader.held, *reader.lane_keys(leases)]
            args = [storable(reason), int(delay * 1000), self.max_deliveries, *(lease.take for lease in leases)]
            warn_of_lost(shard.run_or_later("lane_give_back", keys, args))
            self._rest(shard, delay)

    def leave(self) -> None:
        reader = self.readers.forget_here()
        if reader is not None:
            reader.settle()
            for shard in self.shards:
                shard.run_or_later("leave", [reader.held], [1])

    def renew(self, deliveries: Iterable[Delivery]) -> list[Delivery]:
        deliveries = list(deliveries)
        still = set()
        for (reader, shard), leases in by_holder(leases_of(deliveries)).items():
            keys = [reader.held, *reader.lane_keys(leases)]
            args = [int(self.lease * 1000), *(lease.take for lease in leases)]
            answer = shard.run_patiently("lane_renew", keys, args, self.patience)
            still |= {lease for lease, held in zip(leases, answer, strict=True) if held}
        return [delivery for delivery in deliveries if delivery.lease in still]

    def dead_letter(self, delivery: Delivery, reason: str) -> bool:
        if delivery.lease is None:
            return True
        is_kept = self._bury(delivery.lease, delivery.place, reason)
        self.acknowledge([delivery])
        return is_kept

    def _bury(self, lease: Lease, position: int, reason: str) -> bool:
        reader, shard = lease.holder
        args = [lease.take, position, storable(reason)]
        return shard.run_or_later("lane_bury", [reader.held, self.keys.lane(lease.lane)], args) != -1

    # Serialization

    def _encode(self, message: dict[str, Any]) -> bytes:
        body = super()._encode(message)
        return self.crypter.encrypt(body) if self.crypter else body

    def _decode(self, body: bytes) -> dict[str, Any]:
        # No time limit for the decryption: the layer knows when a message expires, and a clock that is behind the
        # sender's would make it unreadable (A29).
        return super()._decode(self.crypter.decrypt(body) if self.crypter else body)

    # For who looks after it

    def status(self) -> list[ChannelStatus]:
        rows: dict[str, ChannelStatus] = {}
        for shard in self.shards:
            now, *channels = shard.run("status")
            for ready, waiting, sent, full, expired, dead, flying, oldest in channels:
                name = self.keys.channel_of(ready.decode())
                row = rows.setdefault(name, ChannelStatus(name))
                row.depth += max(waiting, 0)
                row.age = max(row.age, (now - oldest) / 1000 if oldest else 0)
                row.in_flight += flying
                row.sent += sent
                row.full += full
                row.expired += expired
                row.dead += dead
        return [rows[name] for name in sorted(rows)]

    def dead_letters(self) -> list[DeadLetter]:
        letters = []
        for index in range(self.ring_size):
            for message_id, raw in self.connection(index).hscan_iter(self.keys.letters):
                letter, body = records.unpack_letter(self.keys, message_id, raw)
                letter.content = self._readable(body)
                letters.append(letter)
        # Of those that died in the same millisecond, the older one first: ids count upwards.
        return sorted(letters, key=lambda letter: (letter.died, len(letter.id), letter.id))

    def retry_dead(self, ids: Iterable[str]) -> int:
        known = {letter.id for letter in self.dead_letters() if letter.channel}
        return sum(shard.run("letter_retry", (), [name for name in ids if name in known]) for shard in self.shards)

    def discard_dead(self, ids: Iterable[str]) -> int:
        wanted = list(ids)
        return sum(shard.run("letter_discard", (), wanted) for shard in self.shards)

    def note(self, kind: str, name: str, report: dict[str, Any], seconds: float) -> None:
        # On each server: any one of them is enough to be seen.
        for shard in self.shards:
            try:
                shard.run("note", [self.keys.notes(kind)], [name, json.dumps(report), int(seconds * 1000)])
            except LayerUnavailable as e:
                logger.info("Redis server %d was not told of %s %s: %s", shard.index, kind, name, e)

    def notes(self, kind: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        failures = []
        for shard in self.shards:
            try:
                pairs = shard.run("notes", [self.keys.notes(kind)])
                found.update((name.decode(), json.loads(report)) for name, report in pairs)
            except LayerUnavailable as e:
                failures.append(e)
        if len(failures) == len(self.shards):
            raise failures[0]
        return found

    def flush(self) -> None:
        """Delete everything that the layer keeps, on all servers. For tests: it takes what others wait for, too."""
        for index in range(self.ring_size):
            client = self.connection(index)
            for keys in batches(client.scan_iter(self.keys.root + "*", count=BATCH), BATCH):
                client.execute_command("UNLINK", *keys)
        self.readers.clear()
        self.groups.clear()


class RedisChannelLayer(LeasingRedisLayer, core.RedisChannelLayer):
    """asgi_redis's RedisChannelLayer, by relay's contract (`relay.layers.base`)."""

    def _generate_connections(self, hosts: list[str], redis_kwargs: dict[str, Any]) -> list[Client]:
        return [Client.to(host, redis_kwargs) for host in hosts]

    def _make_client(self, index: int, **limits: Any) -> Client:
        return Client.to(self.hosts[index], self.connection_limits, **limits)

    def __str__(self) -> str:
        return "%s(hosts=%s)" % (type(self).__name__, [shown(host) for host in self.hosts])


def batches(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
