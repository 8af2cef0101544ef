"""
What the interface server does: fan-out to a room, connections accepted, memory, and the idle round trip; beside peers.

    python -m bench.interface_server [--sockets 1000] [--repeats 3] [--only parley,nchan] [--json]

Everything is started anew for each figure, the peers by turns; a figure is the median of the repeats. The generator is
one process; a row says how much of its core it used, and is void beyond 80%.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import project  # noqa: F401  # its shims come before the pinned stack
from bench.crowd import Crowd
from bench.deployments import PEERS_TO_MEASURE, Deployment

#: Messages on their way at once.
IN_FLIGHT = 16
#: Round trips of the idle figure, and the pause between two.
TRIPS, PAUSE = 200, 0.02
#: Sockets for the memory figure.
IDLE_SOCKETS = 5000


def fan_out(deployment: Deployment, sockets: int, seconds: float) -> dict[str, float]:
    """One room; what its first socket says, all are sent. Deliveries a second, and a CPU second of the server."""
    crowd = Crowd(deployment.port, deployment.path)
    crowd.gather(sockets)
    first, sender = crowd.first()
    sender.setblocking(True)

    def answer(number: int, count: int) -> None:
        if number == first:
            for _ in range(count):
                deployment.say(sender)

    # The members of the group are the last that a worker does for a socket: one message tells when all are in.
    settle(crowd, deployment, sender, sockets)
    for _ in range(IN_FLIGHT):
        deployment.say(sender)
    crowd.listen(1, answer)
    before, began = deployment.cpu(), time.perf_counter()
    total = crowd.listen(seconds, answer)
    clock, used = time.perf_counter() - began, deployment.cpu()
    crowd.close()
    return {
        "deliveries/s": total / clock,
        "per server CPU s": total / (used["server"] - before["server"]),
        "per CPU s of all": total / (used["all"] - before["all"]),
        "generator's core": crowd.cpu / clock,
    }


def settle(crowd: Crowd, deployment: Deployment, sender: Any, sockets: int) -> None:
    """Say something until all hear it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for _ in range(getattr(deployment, "batch", 1)):
            deployment.say(sender)
        heard: set[int] = set()
        crowd.listen(1, lambda number, count, heard=heard: heard.add(number))
        if len(heard) == sockets:
            return
    raise SystemExit("%s: not all sockets hear" % deployment.name)


def round_trip(deployment: Deployment) -> dict[str, float]:
    """Two sockets in a quiet room; how long until what one says has come back to it."""
    crowd = Crowd(deployment.port, deployment.path)
    crowd.gather(2)
    first, sender = crowd.first()
    settle(crowd, deployment, sender, 2)
    trips = []
    for _ in range(TRIPS):
        time.sleep(PAUSE)
        began = time.perf_counter()
        deployment.say(sender)
        heard: list[int] = []
        while first not in heard:
            crowd.listen_once(5, lambda number, count, heard=heard: heard.append(number))
        trips.append((time.perf_counter() - began) * 1000)
    crowd.close()
    trips.sort()
    return {"p50 ms": trips[len(trips) // 2], "p99 ms": trips[int(len(trips) * 0.99)]}


def connections(deployment: Deployment, sockets: int) -> dict[str, float]:
    """Handshake to accept, 64 at once."""
    crowd = Crowd(deployment.port, deployment.path)
    crowd.gather(64)
    rate = crowd.gather(sockets)
    crowd.close()
    return {"connections/s": rate}


def memory(deployment: Deployment) -> dict[str, float]:
    crowd = Crowd(deployment.port, deployment.path)
    crowd.gather(200)
    before = deployment.memory()
    crowd.gather(IDLE_SOCKETS)
    time.sleep(3)  # Whatever was only needed for the handshake may go.
    grown = deployment.memory() - before
    crowd.close()
    return {"KB per socket": grown / IDLE_SOCKETS / 1024}


@contextmanager
def running(kind: type[Deployment]) -> Iterator[Deployment]:
    with tempfile.TemporaryDirectory(prefix="parley-bench-") as folder:
        deployment = kind(Path(folder))
        try:
            deployment.start_all()
            deployment.wait_until_up()
            yield deployment
        finally:
            deployment.stop()


Figure = Callable[[Deployment], dict[str, float]]


def measure(options: argparse.Namespace, console: Console) -> dict[str, dict[str, float]]:
    """The medians of each deployment's figures, by its name."""
    figures: dict[str, Figure] = {
        "fan-out": lambda deployment: fan_out(deployment, options.sockets, options.seconds),
        "round trip": round_trip,
        "connections": lambda deployment: connections(deployment, options.sockets),
        "memory": memory,
    }
    wanted = {name: figures[name] for name in options.figures.split(",") if name in figures} or figures
    kinds = present(options.only, console)
    runs = [(kind, name) for kind in kinds for name in wanted if name not in kind.left_out] * options.repeats
    found: dict[str, dict[str, list[float]]] = {kind.name: {} for kind in kinds}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(runs))
        for kind, name in runs:
            progress.update(task, description="%s: %s" % (kind.name, name))
            for key, value in run_once(kind, name, wanted[name], console).items():
                found[kind.name].setdefault(key, []).append(value)
            progress.advance(task)
    return {name: {key: statistics.median(values) for key, values in row.items()} for name, row in found.items()}


def present(only: str, console: Console) -> list[type[Deployment]]:
    """The deployments that are asked for and can be had."""
    kinds = [kind for kind in PEERS_TO_MEASURE if not only or kind.__name__.lower() in only.split(",")]
    reasons = {kind: kind.absent() for kind in kinds}
    for kind, reason in reasons.items():
        if reason:
            console.print("%s is absent: %s" % (kind.name, reason))
    return [kind for kind in kinds if not reasons[kind]]


def run_once(kind: type[Deployment], name: str, figure: Figure, console: Console) -> dict[str, float]:
    try:
        with running(kind) as deployment:
            return figure(deployment)
    except (OSError, AssertionError) as e:
        console.print("%s, %s: failed, and is left out: %s" % (kind.name, name, e))
        return {}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.interface_server", description=__doc__.split("\n\n")[0])
    parser.add_argument("--sockets", type=int, default=1000, help="in the room (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of fan-out (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--only", default="", help="of parley, plain, ready, channels4, nchan; separated by commas")
    parser.add_argument("--figures", default="", help="of fan-out, round trip, connections, memory")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    rows = measure(options, Console(stderr=True))
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    table = Table("", *columns)
    for name, row in rows.items():
        table.add_row(name, *("%.4g" % row[key] if key in row else "" for key in columns))
    Console(width=200).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
