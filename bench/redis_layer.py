"""
What a message costs Redis on its way through relay's layer: send, take, acknowledge, in batches.

    python -m bench.redis_layer [--messages 20000] [--repeats 5] [--json]

It starts a Redis or Valkey of its own. CPU is that process's, from INFO; the figure is the median of the repeats.
Beside it in the same run: asgi_redis (a send, and a receive that pops), and the least that three scripts with lanes and
leases could do, without counts, expiry, repeatable calls or anything else.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgpack
import redis
from asgi_redis import RedisChannelLayer as StockLayer

from deploy.up import start_redis
from relay.layers.redis import RedisChannelLayer

#: Lanes that the messages of a run are spread over.
LANES = 50


class Run:
    """One way of passing messages through a Redis."""

    def __init__(self, url: str):
        self.client = redis.Redis.from_url(url)
        self.url = url

    def measure(self, messages: int) -> dict[str, float]:
        """Microseconds a message: of the server's CPU, and on the clock."""
        self.pass_on(min(messages, 1000))
        cpu, clock = self.cpu(), time.perf_counter()
        self.pass_on(messages)
        clock = time.perf_counter() - clock
        return {"redis_cpu_us": (self.cpu() - cpu) / messages * 1e6, "clock_us": clock / messages * 1e6}

    def cpu(self) -> float:
        info = self.client.info("cpu")
        return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])

    def pass_on(self, messages: int) -> None:
        raise NotImplementedError


class Ours(Run):
    def __init__(self, url: str, batch: int, lanes: int = LANES):
        super().__init__(url)
        self.name = "relay, %d lanes, batches of %d" % (lanes, batch)
        self.batch = batch
        self.lanes = lanes
        self.layer = RedisChannelLayer(hosts=[url], prefix="bench:", ordering={"work": "key"}, capacity=10**6)

    def pass_on(self, messages: int) -> None:
        done: list[Any] = []
        for start in range(0, messages, self.batch):
            numbers = range(start, start + self.batch)
            self.layer.send_many([("work", {"key": n % self.lanes, "text": "x" * 100}) for n in numbers])
            left = self.batch
            while left:
                # As a worker does: what is done is acknowledged with the next take.
                done = self.layer.take(["work"], left, done=done)
                left -= len(done)
        self.layer.acknowledge(done)


class Bare(Run):
    """Three scripts that keep lanes and leases, and nothing else."""

    SEND = """
        for i = 1, #KEYS do
            if redis.call('RPUSH', KEYS[i], ARGV[i]) == 1 then redis.call('RPUSH', 'r', KEYS[i]) end
        end
    """
    TAKE = """
        local found = {}
        for i = 1, ARGV[1] do
            local lane = redis.call('LPOP', 'r')
            if not lane then break end
            found[#found + 1], found[#found + 2] = lane, redis.call('LINDEX', lane, 0)
            redis.call('HSET', 'leases', lane, ARGV[2])
        end
        return found
    """
    ACKNOWLEDGE = """
        for i = 1, #KEYS do
            redis.call('LPOP', KEYS[i])
            redis.call('HDEL', 'leases', KEYS[i])
            if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('RPUSH', 'r', KEYS[i]) end
        end
    """

    def __init__(self, url: str, batch: int):
        super().__init__(url)
        self.name = "bare scripts, batches of %d" % batch
        self.batch = batch
        self.scripts = [self.client.register_script(text) for text in (self.SEND, self.TAKE, self.ACKNOWLEDGE)]

    def pass_on(self, messages: int) -> None:
        send, take, acknowledge = self.scripts
        for start in range(0, messages, self.batch):
            numbers = range(start, start + self.batch)
            send(keys=["lane:%d" % (n % LANES) for n in numbers], args=["x" * 120 for _ in numbers])
            left = self.batch
            while left:
                lanes = take(args=[left, "reader"])[::2]
                acknowledge(keys=lanes)
                left -= len(lanes)


class Stock(Run):
    name = "asgi_redis, one at a time"

    def __init__(self, url: str):
        super().__init__(url)
        self.layer = StockLayer(hosts=[url], prefix="stock:")
        # asgi_redis 1.4.3 can't read with a current msgpack.
        self.layer.deserialize = lambda packed: msgpack.unpackb(packed, raw=False)

    def pass_on(self, messages: int) -> None:
        for n in range(messages):
            self.layer.send("work", {"key": n % LANES, "text": "x" * 100})
            self.layer.receive(["work"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.redis_layer", description=__doc__.strip().split("\n\n")[0])
    parser.add_argument("--messages", type=int, default=20000, help="in each repeat (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="of which the median counts (default: %(default)s)")
    parser.add_argument("--durable", action="store_true", help="with an append-only file, as in a deployment")
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        server, url = start_redis(Path(folder), durable=options.durable)
        try:
            ours = [Ours(url, 1), Ours(url, 10), Ours(url, 100), Ours(url, 100, lanes=1)]
            rows = compare([Stock(url), *ours, Bare(url, 1), Bare(url, 10), Bare(url, 100)], options)
        finally:
            server.kill()
            server.wait()
    show(rows, options.json)
    return 0


def compare(runs: list[Any], options: argparse.Namespace) -> list[dict[str, Any]]:
    """The medians of all runs, which take turns so that a busy moment of the machine hits none alone."""
    found: dict[str, list[dict[str, float]]] = {run.name: [] for run in runs}
    for repeat in range(options.repeats):
        for run in runs:
            print("\r%d of %d: %-40s" % (repeat + 1, options.repeats, run.name), end="", file=sys.stderr, flush=True)
            found[run.name].append(run.measure(options.messages))
    print(file=sys.stderr)
    medians = []
    for name, results in found.items():
        row: dict[str, Any] = {"run": name}
        for figure in results[0]:
            row[figure] = round(statistics.median(result[figure] for result in results), 1)
        medians.append(row)
    return medians


def show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    print("%-36s %14s %14s" % ("per message, in microseconds", "Redis CPU", "on the clock"))
    for row in rows:
        print("%-36s %14.1f %14.1f" % (row["run"], row["redis_cpu_us"], row["clock_us"]))


if __name__ == "__main__":
    sys.exit(main())
