"""
What the workers do: messages stored, broadcast and acknowledged a second; beside Channels 4 saving the same row.

    python -m bench.worker [--rooms 50] [--repeats 3] [--only parley,twochannels4] [--figures "small rooms"] [--json]

Small rooms: one sender in each, who waits for its own message before it says the next, and one who listens. Hot room:
one sender with fifty messages on their way. Each deployment is started anew for each figure, the peers by turns; a
figure is the median of the repeats. The generator is one process; a row is void if it used more than 80% of its core.
"""

import argparse
import sys
import time

from rich.console import Console

import project  # noqa: F401  # its shims come before the pinned stack
from bench.crowd import Crowd
from bench.deployments import Deployment, Parley, ParleyOnPostgres, TwoChannels4, TwoChannels4OnPostgres
from bench.measuring import Figure, measure, present, show

KINDS: list[type[Deployment]] = [Parley, TwoChannels4, ParleyOnPostgres, TwoChannels4OnPostgres]
#: Messages on their way in the hot room.
IN_FLIGHT = 50
#: Seconds before anything is counted.
WARM_UP = 2.0


def rooms(deployment: Deployment, count: int, in_flight: int, seconds: float) -> dict[str, float]:
    """So many rooms of two sockets; the first of each has so many messages on their way."""
    crowd = Crowd(deployment.port, deployment.path)
    senders = {}
    for number in range(count):
        crowd.gather(2, "/chat/room-%d/" % number)
        sender = list(crowd.sockets.values())[-2]
        senders[sender.fileno()] = sender
        sender.setblocking(True)
    said = dict.fromkeys(senders, 0.0)
    trips: list[float] = []

    def answer(number: int, count: int) -> None:
        if number in senders:
            now = time.perf_counter()
            trips.append(now - said[number])
            said[number] = now
            for _ in range(count):
                deployment.say(senders[number])

    for number, sender in senders.items():
        said[number] = time.perf_counter()
        for _ in range(in_flight):
            deployment.say(sender)
    crowd.listen(WARM_UP, answer)
    before = {number: crowd.counts[number] for number in senders}
    trips.clear()
    cpu, began = deployment.cpu(), time.perf_counter()
    crowd.listen(seconds, answer)
    clock, used = time.perf_counter() - began, deployment.cpu()
    total = sum(crowd.counts[number] - before[number] for number in senders)
    crowd.close()
    trips.sort()
    return {
        "messages/s": total / clock,
        "per CPU s of all": total / (used["all"] - cpu["all"]),
        "p50 ms": 1000 * trips[len(trips) // 2] if in_flight == 1 else float("nan"),
        "p99 ms": 1000 * trips[int(len(trips) * 0.99)] if in_flight == 1 else float("nan"),
        "generator's core": crowd.cpu / clock,
    }


def figures(options: argparse.Namespace) -> dict[str, Figure]:
    """What is asked for."""

    def named(name: str, figure: Figure) -> Figure:
        return lambda deployment: {"%s, %s" % (name, key): value for key, value in figure(deployment).items()}

    known: dict[str, Figure] = {
        "small rooms": lambda deployment: rooms(deployment, options.rooms, 1, options.seconds),
        "hot room": lambda deployment: rooms(deployment, 1, IN_FLIGHT, options.seconds),
    }
    wanted = [name for name in options.figures.split(",") if name in known] or list(known)
    return {name: named(name, known[name]) for name in wanted}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.worker", description=__doc__.split("\n\n")[0])
    parser.add_argument("--rooms", type=int, default=50, help="small ones (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of each figure (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument(
        "--only", default="", help="of parley, twochannels4, parleyonpostgres, twochannels4onpostgres; with commas"
    )
    parser.add_argument("--figures", default="", help="of small rooms, hot room")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    console = Console(stderr=True)
    kinds = present(KINDS, options.only, console)
    show(measure(kinds, figures(options), options.repeats, console), options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
