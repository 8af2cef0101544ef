"""What a deployment shows of itself, as real processes do it."""

import re

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from chatapp.canary import metrics
from tests.databases import ROOT
from tests.deployments import procfile
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

TOKEN = "a token for tests"


class Watch:
    """A scraper, as Prometheus is one."""

    def __init__(self, chat):
        self.chat = chat

    def scrape(self, port=None):
        """Sample by name and labels."""
        headers = {} if port else {"Authorization": "Bearer " + TOKEN}
        status, text = self.chat.get("/metrics", port, **headers)
        assert status == 200, text
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def total(self, name, **labels):
        """Of all processes, now."""
        wanted = set(labels.items())
        return sum(value for key, value in self.scrape().items() if key[0] == name and wanted <= set(key[1:]))


@pytest.mark.parametrize(
    ("database_url", "layer_kind"), [("sqlite", "redis"), ("postgresql", "database")], indirect=True
)
def test_one_scrape_tells_of_every_process(deployment):
    """H3: through whichever interface server and worker it comes, and on any layer that processes share."""
    chat = deployment(RELAY_METRICS_TOKEN=TOKEN)
    port = free_port()
    web, worker = procfile()["web"], procfile()["worker"]
    chat.start_all(web=web.replace("daphne ", "daphne --metrics-port %d " % port), worker=worker)
    watch = Watch(chat)
    assert chat.get("/metrics")[0] == 403

    def kinds():
        found = {dict(key[1:])["process"]: dict(key[1:])["kind"] for key in watch.scrape() if key[0] == "python_info"}
        return sorted(found.values())

    wait_until(lambda: kinds() == ["interface", "worker", "worker"], "all three are seen", 30)
    with chat.socket() as one, chat.socket() as other:
        for n in range(5):
            one.send({"message": "hi", "client_id": "m%d" % n})
            one.next("ack")
        one.send({"message": "hi", "client_id": "m4"})
        other.next("message", lambda frame: frame["seq"] == 5)
        wait_until(lambda: watch.total("chat_messages_stored_total") == 5, "all stored are counted")
        wait_until(lambda: watch.total("relay_sockets", state="open") == 2, "both sockets are counted")
    wait_until(lambda: watch.total("chat_repeats_total") == 1, "the repeat is counted")
    handled = {"channel": "chat-messages", "kind": "worker"}
    wait_until(lambda: watch.total("relay_messages_handled_total", **handled) == 6, "what was handled is counted")
    wait_until(lambda: watch.total("relay_queue_wait_seconds_count", channel="chat-messages") == 6, "so are waits")
    wait_until(lambda: watch.total("relay_handshakes_total", outcome="accepted") == 2, "so are handshakes")
    assert watch.total("relay_layer_up") == 1
    assert watch.total("relay_processes", kind="worker") == 2
    own = watch.scrape(port)
    assert own["relay_sockets", ("state", "open")] in (0, 2)
    assert own["relay_reactor_lag_seconds_count",] > 0
    gone = chat.workers.pop()
    gone.terminate()
    gone.wait(20 * FACTOR)
    chat.processes.remove(gone)
    assert watch.total("relay_processes", kind="worker") == 1
    assert watch.total("chat_messages_stored_total") == 5, "what one that ended has counted is not forgotten at once"
    assert "interface server" in chat.manage("channels")
    check_what_is_named(chat.get("/metrics", Authorization="Bearer " + TOKEN)[1])


#: Exported by interface servers that run a canary, and explained in docs/canary.md.
CANARY = "chat_canary_"


def check_what_is_named(text):
    """Whatever the rules, the dashboard and the page of metrics name is there, and whatever is there has its row."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    samples = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    page = (ROOT / "docs" / "metrics.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \|", page, re.MULTILINE))
    assert rows == {
        name: kind
        for name, kind in types.items()
        if name.startswith(("relay_", "chat_")) and not name.startswith(CANARY)
    }
    assert metrics.TALLY, "registered by its import, as in a server"
    samples |= {sample.name for family in REGISTRY.collect() for sample in family.samples if CANARY in sample.name}
    for path in ("deploy/prometheus/alerts.yml", "deploy/grafana/parley.json"):
        named = set(re.findall(r"\b(?:relay|chat|process)_[a-z_]+(?=\{)", (ROOT / path).read_text()))
        assert len(named) > 15
        assert named <= samples | types.keys(), path


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_search_for_a_trace_tells_the_whole_way_of_a_message(deployment):
    """From the frame that was read to the sockets that its broadcast was written to, through three processes' logs."""
    chat = deployment(RELAY_TRACE="1")
    web = procfile()["web"].replace("daphne ", "daphne --json-logs ")
    chat.start_all(web=web)
    with chat.socket() as one, chat.socket() as other:
        one.next("welcome")
        other.next("welcome")
        one.send({"message": "hello", "client_id": "x"})
        assert one.next("ack").keys() == {"type", "client_id", "seq", "id"}, "nothing of it reaches a client"
        frame = other.next("message")
        assert "trace" not in str(frame)

    def way():
        stored = re.search(r"Stored as message 1 of room lobby trace=(\S+)", chat.logs())
        if stored is None:
            return []
        lines = [line for line in chat.logs().splitlines() if stored[1] in line]
        return [step for step in STEPS if any(re.search(step, line) for line in lines)]

    wait_until(lambda: way() == STEPS, "every step is in some log")
    assert '"trace": "' in chat.logs(), "for machines it is a field"


#: The steps of a message, as the logs have them.
STEPS = [
    r"Read \d+ bytes from daphne.response",
    r"Queued on websocket.receive",
    r"Taken from websocket.receive, [\d.]+ ms after it was sent",
    r"Taken from chat-messages, [\d.]+ ms after it was sent",
    r"Stored as message 1 of room lobby",
    r"Broadcast as message 1 of room lobby",
    r"Written to 2 connections",
    r"Written to 1 connections",
]
