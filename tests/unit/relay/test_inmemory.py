import threading

from asgiref.conformance import ConformanceTestCase

from relay.layers.inmemory import ChannelLayer


class TestConformance(ConformanceTestCase):
    """asgiref's own suite, unmodified."""

    channel_layer = ChannelLayer(expiry=1, group_expiry=2, capacity=5)
    expiry_delay = 1.1
    capacity_limit = 5


del ConformanceTestCase  # pytest would collect the imported base class too


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


def test_what_a_full_member_missed_is_counted():
    layer = ChannelLayer(capacity=1)
    layer.group_add("g", "full!x")
    layer.group_add("g", "free")
    layer.send_group("g", {"n": 1})
    assert layer.receive(["free"])[1] == {"n": 1}
    layer.send_group("g", {"n": 2})
    assert layer.receive(["free"])[1] == {"n": 2}
    assert layer.dropped_from_groups == 1
