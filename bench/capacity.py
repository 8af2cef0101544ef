"""
What it costs to grow: CPU for each message and each delivery, of each kind of process; and whether that predicts a run.

    python -m bench.capacity [--seconds 4] [--out docs/performance]

Sockets per room, rooms, interface servers and workers are raised one at a time, each shape driven as fast as it goes.
The CPU of the interface servers, workers and Redis is fitted by least squares to what was done (`DONE`); then a shape
that was not among them is predicted and run.
"""

import argparse
import json
import sys
import time
from operator import mul
from pathlib import Path
from typing import Any, NamedTuple

import redis
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.__main__ import running
from bench.crowd import Crowd
from bench.deployments import with_children
from bench.parley import Parley
from bench.report import machine, number, plot_growth
from bench.workloads import closed_loop, drain, fill_rooms


class Shape(NamedTuple):
    """What is driven, and what drives it."""

    rooms: int
    size: int
    in_flight: int
    web: int = 1
    workers: int = 2


#: What grows → its sizes → shapes.
GROWTH: dict[str, dict[int, Shape]] = {
    "sockets per room": {size: Shape(1, size, 16) for size in (2, 10, 50, 200, 500, 1000)},
    "rooms of 10": {rooms: Shape(rooms, 10, 2) for rooms in (1, 5, 20, 50, 100)},
    "interface servers, 10 rooms of 100": {web: Shape(10, 100, 4, web=web) for web in (1, 2, 3)},
    "workers, 50 rooms of 2": {workers: Shape(50, 2, 1, workers=workers) for workers in (1, 2, 4)},
}
#: Predicted, and not fitted on.
UNSEEN = Shape(20, 30, 2)
KINDS = ("interface server", "workers", "redis")

#: What costs something: each message; each delivery; each write to a socket, which takes along what has gathered; and
#: each turn, in which all messages that are on their way go once around.
DONE = ("message", "delivery", "write", "turn")

#: What a shape did: per second, messages, deliveries, Redis commands, and CPU of each kind.
Run = dict[str, float]


def drive(shape: Shape, seconds: float) -> Run:
    """One shape, driven as fast as it goes."""
    kind = type("Parley", (Parley,), {"web": shape.web, "workers": shape.workers})
    with running(kind) as deployment:
        crowd = Crowd(deployment.port)
        try:
            fill_rooms(crowd, deployment, shape.rooms, shape.size)
            # Messages are put on their way, and it runs in.
            closed_loop(crowd, deployment, shape.in_flight, 0.1)
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


def done(shape: Shape, run: Run) -> list[float]:
    """How much of `DONE` in a second. A room's messages that are on their way together are written together."""
    turns = run["messages"] / (shape.rooms * shape.in_flight)
    return [run["messages"], run["deliveries"], run["deliveries"] / shape.in_flight, turns]


def fit(runs: dict[Shape, Run], what: str) -> list[float]:
    """So much for each of `DONE`: least squares of what is relative to the whole, so each run counts alike."""
    rows = [[amount / run[what] for amount in done(shape, run)] for shape, run in runs.items()]
    columns = list(zip(*rows, strict=True))
    return solved([[*(sum(map(mul, one, other)) for other in columns), sum(one)] for one in columns])


def solved(equations: list[list[float]]) -> list[float]:
    """Gauss and Jordan: of each row the factors, and then what they make up."""
    for place in range(len(equations)):
        pivot = max(equations[place:], key=lambda row: abs(row[place]))
        equations.remove(pivot)
        equations = [[x - row[place] / pivot[place] * y for x, y in zip(row, pivot, strict=True)] for row in equations]
        equations.insert(place, pivot)
    return [row[-1] / row[place] for place, row in enumerate(equations)]


def measure(seconds: float, console: Console) -> dict[Shape, Run]:
    shapes = list(dict.fromkeys([*(shape for sizes in GROWTH.values() for shape in sizes.values()), UNSEEN]))
    runs = {}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(shapes))
        for shape in shapes:
            progress.update(task, description="%d rooms of %d, %d on their way; %d and %d" % shape)
            runs[shape] = drive(shape, seconds)
            progress.advance(task)
    return runs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=4, help="of each shape (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="folder for plots and growth.json")
    options = parser.parse_args()
    runs = measure(options.seconds, Console(stderr=True))
    fitted = {shape: run for shape, run in runs.items() if (shape.web, shape.workers) == (1, 2) and shape != UNSEEN}
    costs = {what: fit(fitted, what) for what in (*KINDS, "commands")}
    show(runs, costs, Console(width=160))
    if options.out:
        write(runs, costs, options.out)
    return 0


def show(runs: dict[Shape, Run], costs: dict[str, list[float]], console: Console) -> None:
    seen = runs[UNSEEN]
    table = Table("µs for a", *DONE, "predicted for %d rooms of %d" % UNSEEN[:2], "seen")
    for what, factors in costs.items():
        scale = 1 if what == "commands" else 1e6
        guess = sum(map(mul, factors, done(UNSEEN, seen)))
        row = [*(scale * factor for factor in factors), guess, seen[what]]
        table.add_row("Redis commands (not µs)" if what == "commands" else what, *map(number, row))
    console.print(table)
    for title, sizes in GROWTH.items():
        table = Table(title, "messages/s", "deliveries/s", *KINDS, "Redis commands a message")
        for size, shape in sizes.items():
            run = runs[shape]
            row = [run["messages"], run["deliveries"], *(run[kind] for kind in KINDS)]
            table.add_row(str(size), *map(number, [*row, run["commands"] / run["messages"]]))
        console.print(table)


def write(runs: dict[Shape, Run], costs: dict[str, list[float]], folder: Path) -> None:
    """One picture of all that grows, and a file of every run."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [{"shape": shape._asdict(), **run} for shape, run in runs.items()]
    (folder / "growth.json").write_text(json.dumps({"machine": machine(), "costs": costs, "runs": found}, indent=1))
    for title, sizes in GROWTH.items():
        lines = {name: [runs[shape][name] for shape in sizes.values()] for name in ("messages", "deliveries")} | {
            "deliveries per CPU s": [runs[shape]["deliveries"] / runs[shape]["cores"] for shape in sizes.values()]
        }
        plot_growth(title, list(map(str, sizes)), lines, folder)


if __name__ == "__main__":
    sys.exit(main())
