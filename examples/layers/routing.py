"""A routing for each layer. ROUTING in CHANNEL_LAYERS names the one to use; see examples/settings.py."""

from channels.routing import route

from examples.layers import consumers

memory = [route("websocket.connect", consumers.on_memory)]
database = [route("websocket.connect", consumers.on_database)]
redis = [route("websocket.connect", consumers.on_redis)]
