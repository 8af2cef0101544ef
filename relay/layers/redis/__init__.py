"""The Redis layer. For CHANNEL_LAYERS: `relay.layers.redis.RedisChannelLayer`, `…RedisSentinelChannelLayer`."""

from relay.layers.redis.client import Client
from relay.layers.redis.layer import RedisChannelLayer, RedisSentinelChannelLayer

__all__ = ["Client", "RedisChannelLayer", "RedisSentinelChannelLayer"]
