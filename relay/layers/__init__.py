"""Channel layers, for `BACKEND` in CHANNEL_LAYERS: `inmemory.ChannelLayer` and `redis.RedisChannelLayer`."""
