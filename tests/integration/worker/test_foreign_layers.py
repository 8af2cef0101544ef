"""The worker on a layer that is not relay's: no leases, no waiting, and it behaves all the same."""

import threading
import time

import pytest
from channels import Channel
from channels.asgi import ChannelLayerWrapper
from channels.exceptions import ConsumeLater
from channels.routing import route

from relay.worker import Worker
from tests.asgiref1 import StockLayer
from tests.waiting import wait_until


class Shop:
    """asgiref's own layer and a worker on it."""

    def __init__(self, **options):
        self.layer = StockLayer(**options)
        self.threads = []

    def hire(self, *routes):
        worker = Worker(
            ChannelLayerWrapper(self.layer, "default", list(routes)), signal_handlers=False, stop_timeout=10
        )
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        self.threads.append((worker, thread))
        return worker

    def close(self):
        for worker, thread in self.threads:
            worker.stop()
            thread.join(20)


@pytest.fixture
def open_shop():
    shops = []

    def open_one(**options):
        shops.append(Shop(**options))
        return shops[-1]

    yield open_one
    for shop in shops:
        shop.close()


def test_messages_are_handled_and_a_bad_one_ends_nothing(open_shop, caplog):
    shop = open_shop()
    handled = []

    def consumer(message):
        handled.append(message["n"])
        if message["n"] == 1:
            raise RuntimeError("one")
        Channel("out", channel_layer=message.channel_layer).send({"n": message["n"]})

    shop.hire(route("work", consumer))
    for n in range(3):
        shop.layer.send("work", {"n": n})
    wait_until(lambda: handled == [0, 1, 2], "all are handled")
    assert "A message on work failed; it is left out" in caplog.text
    found = []

    def all_is_sent():
        content = shop.layer.receive(["out"])[1]
        found.extend([content] if content else [])
        return len(found) == 2

    wait_until(all_is_sent, "all is sent")
    assert found == [{"n": 0}, {"n": 2}]


def test_an_idle_worker_does_not_ask_a_layer_that_never_waits_again_and_again(open_shop, monkeypatch):
    shop = open_shop()
    asked = []
    receive = shop.layer.receive
    monkeypatch.setattr(shop.layer, "receive", lambda *args: asked.append(1) or receive(*args))
    worker = shop.hire(route("work", lambda message: None))
    wait_until(lambda: asked, "it asks")
    before, began = len(asked), time.monotonic()
    threading.Event().wait(0.5)
    assert len(asked) - before <= 120 * (time.monotonic() - began)
    assert worker.crew


def test_what_is_wanted_later_for_ever_is_dropped_in_the_end_and_logged(open_shop, caplog, monkeypatch):
    """B9"""
    monkeypatch.setattr("relay.conf.REST", (0.001, 0.001))
    shop = open_shop()
    tried = []

    def consumer(message):
        tried.append(1)
        raise ConsumeLater

    shop.hire(route("work", consumer))
    shop.layer.send("work", {})
    wait_until(lambda: "A message on work is dropped" in caplog.text, "it is given up")
    assert len(tried) == 10


def test_what_finds_no_room_for_long_is_dropped_and_counted(open_shop, settings_override, caplog):
    settings_override(RELAY_SEND_PATIENCE=0.3)
    shop = open_shop(capacity=1)

    def consumer(message):
        for n in range(3):
            Channel("narrow", channel_layer=message.channel_layer).send({"n": n})

    worker = shop.hire(route("work", consumer))
    shop.layer.send("work", {})
    wait_until(lambda: worker.tally().dropped == 2, "two found no room")
    assert shop.layer.receive(["narrow"]) == ("narrow", {"n": 0})
    assert "narrow stayed full" in caplog.text
