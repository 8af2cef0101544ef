"""
What the interface server does: fan-out to a room, connections accepted, memory, and the idle round trip; beside peers.

    python -m bench.interface_server [--sockets 1000] [--repeats 3] [--only parley,nchan] [--json]

Everything is started anew for each figure, the peers by turns; a figure is the median of the repeats. The generator is
one process; a row says how much of its core it used, and is void beyond 80%.
"""

import argparse
import sys
import time
from typing import Any

from rich.console import Console

import project  # noqa: F401  # its shims come before the pinned stack
from bench.crowd import Crowd
from bench.deployments import PEERS_TO_MEASURE, Deployment
from bench.measuring import Figure, measure, present, show

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


def figures(options: argparse.Namespace) -> dict[str, Figure]:
    """What is asked for."""
    known: dict[str, Figure] = {
        "fan-out": lambda deployment: fan_out(deployment, options.sockets, options.seconds),
        "round trip": round_trip,
        "connections": lambda deployment: connections(deployment, options.sockets),
        "memory": memory,
    }
    return {name: known[name] for name in options.figures.split(",") if name in known} or known


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.interface_server", description=__doc__.split("\n\n")[0])
    parser.add_argument("--sockets", type=int, default=1000, help="in the room (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of fan-out (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--only", default="", help="of parley, plain, ready, channels4, nchan; separated by commas")
    parser.add_argument("--figures", default="", help="of fan-out, round trip, connections, memory")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    console = Console(stderr=True)
    kinds = present(PEERS_TO_MEASURE, options.only, console)
    show(measure(kinds, figures(options), options.repeats, console), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
