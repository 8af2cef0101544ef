CLASSES = {
    "memory": "relay.layers.inmemory.ChannelLayer",
    "database": "relay.layers.database.layer.DatabaseChannelLayer",
    "redis": "relay.layers.redis.layer.RedisChannelLayer",
}


def test_the_socket_is_told_which_layer_it_is_on(server):
    """By the routing of that layer; and the layer that brought the message says who it is."""
    with server.tab("/layers/") as tab:
        said = tab.next()
    assert said.startswith(server.layer + ": ")
    assert said.endswith("default (%s)" % CLASSES[server.layer])
