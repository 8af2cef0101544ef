"""
What it costs to grow: CPU for each message and each delivery, of each kind of process; and whether that predicts a run.

    python -m bench.capacity [--seconds 4] [--json]

Rooms of several sizes are driven as fast as they go. The CPU of the interface servers, workers and Redis is fitted as
so much a message, plus so much a delivery, by least squares; then a shape that was not among them is predicted and run.
Last, how much is done with more interface servers and more workers on this machine.
"""

import argparse
import json
import sys
import time
from typing import Any

import redis
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import project  # noqa: F401  # its shims come before the pinned stack
from bench.__main__ import running
from bench.crowd import Crowd
from bench.deployments import with_children
from bench.parley import Parley
from bench.report import number, pace
from bench.workloads import closed_loop, drain, fill_rooms

#: Rooms, sockets in each, messages on their way in each. The last is predicted.
SHAPES = [(50, 2, 1), (50, 10, 1), (10, 50, 4), (10, 100, 4), (1, 500, 16), (1, 1000, 16)]
UNSEEN = (20, 30, 2)
#: Interface servers and workers.
SIZES = [(1, 1), (1, 2), (1, 4), (2, 2)]
KINDS = ("interface server", "workers", "redis")

#: What a shape did: per second, messages, deliveries, Redis commands, and CPU of each kind.
Run = dict[str, float]


def parley(web: int, workers: int) -> type[Parley]:
    return type("Parley", (Parley,), {"web": web, "workers": workers})


def drive(kind: type[Parley], shape: tuple[int, int, int], seconds: float) -> Run:
    """One shape, driven as fast as it goes."""
    rooms, size, in_flight = shape
    with running(kind) as deployment:
        crowd = Crowd(deployment.port)
        try:
            fill_rooms(crowd, deployment, rooms, size)
            # Messages are put on their way, and it runs in.
            closed_loop(crowd, deployment, in_flight, 0.1)
            before, began = snapshot(deployment), time.perf_counter()
            row = closed_loop(crowd, deployment, 0, seconds, warm_up=0)
            after, clock = snapshot(deployment), time.perf_counter() - began
            drain(crowd, deployment)
        finally:
            crowd.close()
    return {name: (after[name] - before[name]) / clock for name in before} | {
        "messages": row["messages/s"],
        "deliveries": row["deliveries/s"],
        "cores": row["cores"],
    }


def snapshot(deployment: Any) -> Run:
    info = redis.StrictRedis.from_url(deployment.redis_url).info("commandstats")
    calls = sum(value["calls"] for name, value in info.items() if name in ("cmdstat_evalsha", "cmdstat_blpop"))
    servers = {server.pid for server in deployment.servers}
    workers = [process.pid for process in deployment.processes if process.pid not in servers]
    return {
        "interface server": sum(with_children(pid) for pid in servers),
        "workers": sum(with_children(pid) for pid in workers),
        "redis": with_children(deployment.redis.pid),
        "commands": calls,
    }


def fit(runs: list[Run], what: str) -> tuple[float, float]:
    """So much a message, so much a delivery: least squares of what is relative to the whole."""
    # Each run counts alike, however fast it was.
    rows = [(run["messages"] / run[what], run["deliveries"] / run[what]) for run in runs]
    mm, md = sum(m * m for m, _ in rows), sum(m * d for m, d in rows)
    dd, m1, d1 = sum(d * d for _, d in rows), sum(m for m, _ in rows), sum(d for _, d in rows)
    determinant = mm * dd - md * md
    return (m1 * dd - d1 * md) / determinant, (d1 * mm - m1 * md) / determinant


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=4, help="of each shape (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    progress_to = Console(stderr=True)
    runs, sizes = {}, {}
    with Progress(console=progress_to, transient=True) as progress:
        task = progress.add_task("", total=len(SHAPES) + 1 + 2 * len(SIZES))
        for shape in [*SHAPES, UNSEEN]:
            progress.update(task, description="%d rooms of %d" % shape[:2])
            runs[shape] = drive(parley(1, 2), shape, options.seconds)
            progress.advance(task)
        for size in SIZES:
            for shape in (SHAPES[0], SHAPES[-1]):
                progress.update(task, description="%d interface servers, %d workers" % size)
                sizes[size, shape] = drive(parley(*size), shape, options.seconds)
                progress.advance(task)
    costs = {what: fit([runs[shape] for shape in SHAPES], what) for what in (*KINDS, "commands")}
    show(runs, sizes, costs, options.json)
    return 0


def predicted(costs: dict[str, tuple[float, float]], run: Run, what: str) -> float:
    message, delivery = costs[what]
    return message * run["messages"] + delivery * run["deliveries"]


def show(runs: dict[Any, Run], sizes: dict[Any, Run], costs: dict[str, tuple[float, float]], as_json: bool) -> None:
    seen = runs[UNSEEN]
    guesses = {what: predicted(costs, seen, what) for what in costs}
    if as_json:
        shapes = {"%d rooms of %d, %d on their way" % shape: run for shape, run in runs.items()}
        grown = {"%d and %d, %d rooms of %d" % (*size, *shape[:2]): run for (size, shape), run in sizes.items()}
        found = {"pace ms": pace(), "shapes": shapes, "costs": costs, "sizes": grown, "predicted": guesses}
        print(json.dumps(found, indent=1))
        return
    console = Console(width=160)
    table = Table("", "µs a message", "µs a delivery", "predicted for %d rooms of %d" % UNSEEN[:2], "seen")
    for what, (message, delivery) in costs.items():
        scale = 1 if what == "commands" else 1e6
        row = [scale * message, scale * delivery, guesses[what], seen[what]]
        table.add_row("Redis commands (not µs)" if what == "commands" else what, *map(number, row))
    console.print(table)
    table = Table("rooms of", "messages/s", "deliveries/s", *KINDS, "Redis commands a message")
    for (rooms, size, _), run in runs.items():
        row = [run["messages"], run["deliveries"], *(run[kind] for kind in KINDS), run["commands"] / run["messages"]]
        table.add_row("%d of %d" % (rooms, size), *map(number, row))
    console.print(table)
    table = Table("interface servers, workers", "rooms of", "messages/s", "deliveries/s", "cores")
    for ((web, workers), (rooms, size, _)), run in sizes.items():
        row = [run["messages"], run["deliveries"], run["cores"]]
        table.add_row("%d, %d" % (web, workers), "%d of %d" % (rooms, size), *map(number, row))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
