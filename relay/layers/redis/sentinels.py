"""The Redis layer on a master that Sentinels name, and on another when they say so."""

from typing import Any

import redis
from asgi_redis import sentinel
from redis.sentinel import MasterNotFoundError, Sentinel

from relay.layers.redis.addresses import sentinel_options
from relay.layers.redis.client import Client, completed
from relay.layers.redis.layer import LeasingRedisLayer


class Sentinels(Sentinel):
    """
    redis-py's Sentinel, which waits long for a Sentinel that is away, may forget one of them when two threads ask at
    the same time, and does not say why none has answered.

    options: for connections to masters. Those to Sentinels have the same time limits, and TLS if masters have it;
      `sentinel_kwargs` says what is different.
    """

    def __init__(self, hosts: list[tuple[str, int]], options: dict[str, Any]):
        super().__init__([], **completed(options))
        shared = {name: value for name, value in options.items() if name.startswith(("socket_", "ssl"))}
        about = {**shared, **options.get("sentinel_kwargs", {})}
        if about.pop("ssl", False):
            about["connection_class"] = redis.SSLConnection
        else:
            about = {name: value for name, value in about.items() if not name.startswith("ssl_")}
        self.sentinels = [
            Client(connection_pool=redis.ConnectionPool(**completed({"host": host, "port": port, **about})))
            for host, port in hosts
        ]

    def discover_master(self, service_name: str) -> tuple[str, int]:
        failures = []
        for each in self.sentinels:
            try:
                state = each.execute_command("SENTINEL MASTERS").get(service_name)
            except redis.RedisError as e:
                failures.append(str(e))
                continue
            if state and self.check_master_state(state, service_name):
                # It is the first to be asked the next time.
                self.sentinels = [each, *(other for other in self.sentinels if other is not each)]
                return state["ip"], state["port"]
        raise MasterNotFoundError("No Sentinel names a master for %r. %s" % (service_name, " ".join(failures)))

    def client_of(self, service_name: str, **limits: Any) -> Client:
        """A client for whoever is master, whose connections have these options above all."""
        client: Client = self.master_for(service_name, redis_class=Client, **limits)
        return client


class RedisSentinelChannelLayer(LeasingRedisLayer, sentinel.RedisSentinelChannelLayer):
    """
    asgi_redis's RedisSentinelChannelLayer, by relay's contract. It keeps its connections: they ask the Sentinels for
    the master when they connect, and a master that is deposed hangs up (A28). `sentinel_refresh_interval` is not used.

    url: how to log in to the masters, their database, and TLS, as in a master's own URL. Its host does not count.
    """

    def __init__(self, *args: Any, url: str = "", connection_kwargs: dict[str, Any] | None = None, **kwargs: Any):
        options = {**(connection_kwargs or {}), **sentinel_options(url)}
        super().__init__(*args, connection_kwargs=options, **kwargs)

    def _setup_hosts(self, hosts: Any) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = super()._setup_hosts(hosts)
        self.sentinels = Sentinels(found, self.connection_limits)
        return found

    def _get_service_names(self) -> list[str]:
        self._sentinel = self.sentinels
        return super()._get_service_names()

    def _master_for(self, service_name: str) -> redis.Redis:
        if service_name not in self._master_connections:
            self._master_connections[service_name] = self.sentinels.client_of(service_name)
        return self._master_connections[service_name]

    def _make_client(self, index: int, **limits: Any) -> Client:
        return self.sentinels.client_of(self.services[index], **limits)
