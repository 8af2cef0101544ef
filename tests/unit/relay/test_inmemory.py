import threading

from relay.layers.inmemory import ChannelLayer


def test_a_group_may_change_while_it_is_sent_to():
    layer = ChannelLayer(capacity=100_000)
    stop, errors = threading.Event(), []

    def come_and_go():
        n = 0
        while not stop.is_set():
            layer.group_add("g", "c!%d" % n)
            layer.group_discard("g", "c!%d" % (n - 5))
            n += 1

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(300):
            layer.send_group("g", {"text": "x"})
    except RuntimeError as e:
        errors.append(e)
    stop.set()
    thread.join()
    assert errors == []


def test_channels_take_it_for_the_local_layer_that_it_is():
    """`ChannelLayerWrapper.local_only` looks at the module's name, and `runserver` asks it."""
    assert "inmemory" in ChannelLayer.__module__
