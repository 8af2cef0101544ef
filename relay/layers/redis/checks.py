"""Checks that ask the Redis servers of the channel layers. They run with `manage.py check --deploy`."""

import ipaddress
import ssl
from typing import Any

import redis
from django.conf import settings
from django.core import checks

from relay.layers.redis.addresses import options_of, sentinel_options, shown
from relay.layers.redis.client import Client
from relay.layers.redis.sentinels import Sentinels

#: The oldest whose scripts and commands we use; Valkey began with 7.2.
OLDEST = (6, 2)
#: Seconds that a server may take to answer.
PATIENCE = 3
LIMITS = {"socket_timeout": PATIENCE, "socket_connect_timeout": PATIENCE}
#: Keys that are looked at to see whether others use the server.
SAMPLE = 1000


def check_servers() -> list[checks.CheckMessage]:
    """Of each server that a layer names by URL, and of each that its Sentinels name."""
    found: list[checks.CheckMessage] = []
    for layer in getattr(settings, "CHANNEL_LAYERS", {}).values():
        config = layer.get("CONFIG", {})
        prefix = config.get("prefix", "asgi:")
        if layer["BACKEND"] == "relay.layers.redis.RedisChannelLayer":
            for host in config.get("hosts", []):
                options = config.get("connection_kwargs", {})
                found += check_server(host, prefix, options) if isinstance(host, str) else []
        elif layer["BACKEND"] == "relay.layers.redis.RedisSentinelChannelLayer":
            for service in config.get("services", []):
                found += check_master(config, service, prefix)
    return found


def check_server(url: str, prefix: str, options: dict[str, Any] | None = None) -> list[checks.CheckMessage]:
    options = {"host": "localhost", **(options or {}), **options_of(url)}
    found = check_certificate("the Redis at %s" % shown(url), options)
    return found + ask(Client.to(url, options, **LIMITS), options, prefix)


def check_master(config: dict[str, Any], service: str, prefix: str) -> list[checks.CheckMessage]:
    """Of the server that is master now."""
    options = {**config.get("connection_kwargs", {}), **sentinel_options(config.get("url", "")), **LIMITS}
    asking = {**options, **options.get("sentinel_kwargs", {})}
    found = check_certificate("the Sentinels and the master %r" % service, options)
    found = found or check_certificate("the Sentinels of %r" % service, asking)
    sentinels = Sentinels(config["hosts"], options)
    try:
        host, port = sentinels.discover_master(service)
    except (redis.RedisError, OSError):
        text = "No Sentinel says which Redis is the master of %r, and none was checked." % service
        hint = "Run the check where the Sentinels can be reached; they must know that name of `services`."
        return [*found, checks.Info(text, hint=hint, id="relay.I001")]
    return found + ask(sentinels.client_of(service), {**options, "host": host, "port": port}, prefix)


def ask(client: Client, options: dict[str, Any], prefix: str) -> list[checks.CheckMessage]:
    """Questions to the server of a client whose connections have these options."""
    server = options.get("path") or "%s:%s" % (options["host"], options.get("port", 6379))
    try:
        info = client.info()
        found = [check_version(server, info), check_eviction(server, info), check_password(server, options)]
        found.append(check_neighbours(server, client, prefix))
        return [message for message in found if message is not None]
    except (redis.RedisError, OSError) as e:
        text = "The Redis at %s did not answer (%s), and was not checked." % (server, type(e).__name__)
        hint = "Run the check where the server can be reached."
        return [checks.Info(text, hint=hint, id="relay.I001")]
    finally:
        client.close()


def check_certificate(server: str, options: dict[str, Any]) -> list[checks.CheckMessage]:
    if options.get("ssl_cert_reqs", "required") in (None, "none", ssl.CERT_NONE):
        off = "ssl_cert_reqs=none"
    elif not options.get("ssl_check_hostname", True):
        off = "ssl_check_hostname=0"
    else:
        return []
    return [
        checks.Warning(
            "The certificate of %s is not verified (%s): whoever is on the way can take its place, and gets the "
            "password." % (server, off),
            hint="Name the file of its authority with ?ssl_ca_certs= in the address in CHANNEL_LAYERS. Where a "
            "provider signs its own, as Heroku does, only its network protects the connection.",
            id="relay.W013",
        )
    ]


def check_version(shown: str, info: dict[str, Any]) -> checks.CheckMessage | None:
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= OLDEST:
        return None
    return checks.Warning(
        "The Redis at %s is version %s, which does not know all that is asked of it." % (shown, version),
        hint="Take Redis %d.%d or later, or Valkey." % OLDEST,
        id="relay.W008",
    )


def check_eviction(shown: str, info: dict[str, Any]) -> checks.CheckMessage | None:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy == "noeviction":
        return None
    return checks.Warning(
        "The Redis at %s evicts keys when its memory is full (%s): each is a lost message." % (shown, policy),
        hint="Set maxmemory-policy noeviction in redis.conf; it is then full, which senders hear and wait for.",
        id="relay.W009",
    )


def check_password(shown: str, options: dict[str, Any]) -> checks.CheckMessage | None:
    """It has just answered us: without a password, if there is none. A client's certificate is as good as one."""
    known = options.get("password") or options.get("ssl_certfile")
    if known or "path" in options or is_own(options["host"]):
        return None
    return checks.Warning(
        "The Redis at %s takes anybody without a password: who reaches it reads and writes every message." % shown,
        hint="Set requirepass in redis.conf, and redis://:password@host:port/0 as its address in CHANNEL_LAYERS. "
        "Close its port to others.",
        id="relay.W010",
    )


def is_own(host: str) -> bool:
    """Whether it is this machine's own address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_neighbours(shown: str, client: Any, prefix: str) -> checks.CheckMessage | None:
    """Keys of others in the same database."""
    _, keys = client.scan(0, count=SAMPLE)
    others = [key for key in keys if not key.startswith(prefix.encode("utf-8"))]
    if not others:
        return None
    return checks.Warning(
        "The Redis at %s is used by others too: their memory, their FLUSHDB and their mistakes are ours." % shown,
        hint="Give it to this deployment alone; or each that shares it a `prefix` of its own, not the default, in the "
        "CONFIG of CHANNEL_LAYERS.",
        id="relay.W011",
    )
