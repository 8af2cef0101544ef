"""What processes measure, how it comes together, and who may see it."""

import json
import time
from argparse import ArgumentTypeError

import pytest
from channels.asgi import ChannelLayerWrapper
from channels.routing import route
from django.db.utils import OperationalError
from django.test import Client
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from relay.layers.inmemory import ChannelLayer
from relay.metrics import herald, samples, scrape
from relay.metrics.port import address
from relay.metrics.sockets import Pulse


@pytest.fixture
def registry():
    made = CollectorRegistry()
    Counter("jobs", "Jobs.", ["kind"], registry=made).labels('odd "kind"\n').inc(3)
    Gauge("room", "Room.", registry=made).set(2.5)
    Histogram("seconds", "Time.", buckets=[1, 2], registry=made).observe(1.5)
    return made


def flat(metrics):
    return {(s.name, *sorted(s.labels.items())): s.value for metric in metrics for s in metric.samples}


def test_what_a_registry_says_survives_its_way(registry):
    assert flat(samples.unpacked(samples.packed(registry.collect()))) == flat(registry.collect())


def test_a_process_that_ended_leaves_what_it_counted_and_not_how_it_was(registry):
    names = {metric.name for metric in samples.unpacked(samples.packed(registry.collect(), last=True))}
    assert names == {"jobs", "seconds"}


@pytest.mark.parametrize("text", ["", "nonsense", "bm9uc2Vuc2U=", None])
def test_what_is_no_sample_is_refused(text):
    with pytest.raises(ValueError):
        samples.unpacked(text)


def test_samples_of_several_processes_stay_apart(registry):
    parts = [({"process": name}, registry.collect()) for name in "ab"]
    whole = flat(samples.merged(parts))
    assert whole["room", ("process", "a")] == whole["room", ("process", "b")] == 2.5
    assert len(whole) == 2 * len(flat(registry.collect()))


def test_two_releases_that_disagree_what_a_metric_is_spoil_no_scrape(registry):
    other = CollectorRegistry()
    Counter("room", "Room.", registry=other).inc()
    merged = flat(samples.merged([({"process": "a"}, registry.collect()), ({"process": "b"}, other.collect())]))
    assert [key for key in merged if "room" in key[0]] == [("room", ("process", "a"))]


def parsed(text):
    return flat(text_string_to_metric_families(text.decode()))


@pytest.fixture
def wrapper(settings_override, monkeypatch):
    monkeypatch.setattr(herald, "HERE", herald.Identity())
    monkeypatch.setattr(scrape, "HERE", herald.HERE)
    settings_override(RELAY_SCRAPED=[])
    routes = [route("work", lambda message: None), route("websocket.receive", lambda message: None)]
    return ChannelLayerWrapper(ChannelLayer(capacity=2), "default", routes)


def test_a_scrape_shows_how_channels_do_and_no_name_that_is_made_up(wrapper):
    """H3. Reply channels are thousands, and other names anybody can make up: their labels have no end."""
    for channel in ("work", "work", "anything", "else", "daphne.response.x!one", "daphne.response.y!two", "call?abc"):
        wrapper.send(channel, {})
    with pytest.raises(wrapper.ChannelFull):
        wrapper.send("work", {})
    found = parsed(scrape.scraped(wrapper))
    depths = {key[1][1]: value for key, value in found.items() if key[0] == "relay_channel_depth"}
    assert depths == {"work": 2, "websocket.receive": 0, "others": 2, "replies": 3}
    assert found["relay_channel_refused_total", ("channel", "work")] == 1
    assert found["relay_channel_sent_total", ("channel", "others")] == 2
    assert ("relay_channel_sent_total", ("channel", "replies")) not in found, "it would jump when a process ends"
    assert found["relay_channel_workers", ("channel", "work")] == 0
    assert found["relay_layer_up",] == 1


def test_a_scrape_shows_what_the_others_have_told(wrapper, registry):
    report = {"kind": "worker", "at": time.time() - 300, "samples": samples.packed(registry.collect())}
    wrapper.note("sample", "elsewhere", report, 60)
    wrapper.note("sample", "broken", {**report, "samples": "nonsense"}, 60)
    found = parsed(scrape.scraped(wrapper))
    assert found["room", ("kind", "worker"), ("process", "elsewhere")] == 2.5
    assert 300 <= found["relay_sample_age_seconds", ("kind", "worker"), ("process", "elsewhere")] < 360
    assert any(key[0] == "process_resident_memory_bytes" for key in found), "this process, as it is now"


def test_what_this_process_counted_does_not_run_back_when_another_answers(wrapper, monkeypatch):
    """Counters that fall are taken for new ones, and their whole value for news."""
    jobs = Counter("jobs_here", "Jobs.", registry=REGISTRY)
    try:
        jobs.inc(5)
        one = herald.Herald(wrapper, "worker", lambda: {"channels": []})
        one.beat()
        jobs.inc(5)
        key = ("jobs_here_total", ("kind", "worker"), ("process", one.name))
        assert parsed(scrape.scraped(wrapper))[key] == 5, "as another process knows it"
        monkeypatch.setattr(wrapper.channel_layer, "notes", lambda kind: 1 / 0)
        assert parsed(scrape.scraped(wrapper))[key] == 5, "also while the layer is away"
    finally:
        REGISTRY.unregister(jobs)


def test_a_layer_that_is_away_spoils_no_scrape(wrapper, monkeypatch):
    def away():
        raise ConnectionError

    monkeypatch.setattr(wrapper.channel_layer, "status", away)
    found = parsed(scrape.scraped(wrapper))
    assert found["relay_layer_up",] == 0
    assert not [key for key in found if key[0].startswith("relay_channel_")]


class There:
    def collect(self):
        yield Metric("whole", "All of it.", "gauge")


class Away:
    def collect(self):
        yield Metric("half", "Half of it.", "gauge")
        raise OperationalError("it is away")


def test_a_database_that_is_away_spoils_no_scrape(wrapper, settings_override, caplog):
    """Else nobody would see what the layer and the processes say just when it matters."""
    names = [__name__ + ".Away", __name__ + ".There"]
    settings_override(RELAY_SCRAPED=names)
    found = parsed(scrape.scraped(wrapper))
    up = [found["relay_scraped_up", ("collector", name)] for name in names]
    assert (up, found["relay_layer_up",]) == ([0, 1], 1)
    assert "Away could not be asked for a scrape: OperationalError: it is away" in caplog.text


def test_a_layer_that_keeps_no_notes_shows_this_process(settings_override, monkeypatch):
    from tests.asgiref1 import StockLayer as Stock

    # What a server of another test has told of this process.
    monkeypatch.setattr(herald.HERE, "told", "")
    settings_override(RELAY_SCRAPED=[])
    stock = ChannelLayerWrapper(Stock(), "default", [])
    herald.Herald(stock, "worker", dict).beat()
    herald.Herald(stock, "worker", dict).leave()
    assert any(key[0] == "process_resident_memory_bytes" for key in parsed(scrape.scraped(stock)))


def test_a_herald_tells_often_that_it_lives_and_less_often_what_it_measured(wrapper, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(herald.time, "monotonic", lambda: clock[0])
    told = []
    monkeypatch.setattr(wrapper.channel_layer, "note", lambda kind, name, report, seconds: told.append((kind, seconds)))
    one = herald.Herald(wrapper, "worker", lambda: {"channels": ["work"]})
    for _ in range(60):
        one.beat()
        clock[0] += 0.1
    assert told == [("worker", 8), ("sample", 20), ("worker", 8), ("worker", 8)]
    one.leave()
    assert told[-2:] == [("sample", 60), ("worker", 0)]


def test_two_workers_of_a_process_have_two_names(wrapper):
    assert len({herald.Herald(wrapper, "worker", dict).name for _ in range(3)}) == 3


def test_the_reactors_worst_lag_is_remembered_for_whoever_asks(monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr("relay.metrics.sockets.time.monotonic", lambda: clock[0])
    calls = []
    pulse = Pulse(lambda delay, function: calls.append((delay, function)))
    pulse.start()

    def tick(late):
        delay, function = calls.pop()
        clock[0] += delay + late
        function()

    tick(0.0)
    tick(1.5)
    assert pulse.worst == pytest.approx(1.5)
    while clock[0] < 1025:
        tick(0.0)
    assert pulse.worst == pytest.approx(1.5)
    while clock[0] < 1070:
        tick(0.0)
    assert pulse.worst == pytest.approx(0, abs=1e-6)
    clock[0] += 10
    assert pulse.worst == pytest.approx(9.75), "it stands still now"


@pytest.mark.parametrize(
    ("text", "found"),
    [("9100", ("127.0.0.1", 9100)), ("0.0.0.0:9100", ("0.0.0.0", 9100)), ("[::1]:9100", ("::1", 9100))],
)
def test_where_metrics_are_shown_is_this_machine_unless_said(text, found):
    assert address(text) == found


@pytest.mark.parametrize("text", ["", "x", "1.2.3.4:", "99999", "-1", "9100x"])
def test_what_is_no_port_is_refused(text):
    with pytest.raises(ArgumentTypeError):
        address(text)


# Who may see it


@pytest.fixture
def client(lobby, layer):
    return Client()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 200),
        ({"REMOTE_ADDR": "::1"}, 200),
        ({"REMOTE_ADDR": "10.0.0.7"}, 403),
        ({"REMOTE_ADDR": ""}, 403),
        ({"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
        ({"HTTP_FORWARDED": "for=127.0.0.1"}, 403),
        ({"HTTP_AUTHORIZATION": "Bearer "}, 200),
    ],
)
def test_without_a_token_only_this_machine_may_read(client, sent, status):
    response = client.get("/metrics", **sent)
    assert response.status_code == status
    assert (b"RELAY_METRICS_TOKEN" in response.content) == (status == 403)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 403),
        ({"HTTP_AUTHORIZATION": "Bearer no"}, 403),
        ({"HTTP_AUTHORIZATION": "sesame"}, 403),
        ({"HTTP_AUTHORIZATION": "Bearer sés"}, 403),
        ({"HTTP_AUTHORIZATION": "Bearer sesame", "REMOTE_ADDR": "10.0.0.7", "HTTP_X_FORWARDED_FOR": "1.2.3.4"}, 200),
    ],
)
def test_with_a_token_whoever_has_it_may_read(client, settings_override, sent, status):
    settings_override(RELAY_METRICS_TOKEN="sesame")
    response = client.get("/metrics", **sent)
    assert response.status_code == status
    assert (b"RELAY_METRICS_TOKEN" in response.content) == (status == 403)
    assert b"sesame" not in response.content


def test_who_is_here_is_counted_when_somebody_asks(client):
    text = client.get("/metrics").content
    assert b"\nchat_sockets_present 0.0\n" in text
    assert client.post("/metrics").status_code == 405
    assert json.loads(client.get("/healthz").content) == {"status": "ok"}
