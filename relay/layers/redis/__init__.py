"""The Redis layer. For CHANNEL_LAYERS: `relay.layers.redis.RedisChannelLayer`, `…RedisSentinelChannelLayer`."""

from relay.layers.redis.client import Client
from relay.layers.redis.layer import RedisChannelLayer
from relay.layers.redis.sentinels import RedisSentinelChannelLayer

__all__ = ["Client", "RedisChannelLayer", "RedisSentinelChannelLayer"]
