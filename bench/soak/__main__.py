"""
The chat as it is deployed, under load and in trouble, for as long as asked; and a verdict.

    python -m bench.soak                                  ten minutes
    python -m bench.soak --minutes 60 --rooms 20 --clients 4
    python -m bench.soak --minutes 5 --calm               without trouble
    python -m bench.soak --kinds worker-kill,web-restart  these troubles only

Control-C ends it early, with the verdict on what was so far. It exits with 0 if that is clean. What was found is in
var/soak/<time>: verdict.md, verdict.json, samples.json, the log of each process, and what befell it.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.soak.people import People
from bench.soak.stage import Stage
from bench.soak.trouble import Trouble
from bench.soak.watch import MIB, Watch
from deploy.up import ROOT


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=(__doc__ or "").strip().split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long (default: %(default)s)")
    parser.add_argument("--rooms", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--clients", type=int, default=4, help="in each room (default: %(default)s)")
    parser.add_argument(
        "--rate", type=float, default=20, help="messages a second of all together (default: %(default)s)"
    )
    parser.add_argument("--web", type=int, default=2, help="interface servers (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=3, help="workers (default: %(default)s)")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--layer", choices=("redis", "database"), default="redis")
    parser.add_argument("--keepalive", type=float, default=20, help="RELAY_KEEPALIVE_INTERVAL (default: %(default)s)")
    parser.add_argument("--canary", type=float, default=1, help="CHAT_CANARY_INTERVAL (default: %(default)s)")
    parser.add_argument("--every", type=float, default=20, help="seconds between two troubles (default: %(default)s)")
    parser.add_argument("--calm", action="store_true", help="no trouble")
    kinds = ",".join(Trouble.all_kinds())
    parser.add_argument("--kinds", default=kinds, help="which troubles (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="of what befalls whom")
    parser.add_argument("--out", type=Path, help="folder for results (default: var/soak/<time>)")
    return parser


class Soak:
    """One run."""

    def __init__(self, options: argparse.Namespace, console: Console):
        self.options, self.console = options, console
        self.folder: Path = options.out or ROOT / "var" / "soak" / time.strftime("%Y%m%d-%H%M%S")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.seed = random.randrange(10**6) if options.seed is None else options.seed
        self.stopped = threading.Event()
        self.began = time.monotonic()

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *received: self.stopped.set())
        with tempfile.TemporaryDirectory(prefix="parley-soak-") as data:
            stage = Stage(Path(data), self.folder, self.options)
            try:
                stage.start()
                return self.play(stage)
            finally:
                stage.stop()

    def play(self, stage: Stage) -> int:
        set_up_django(stage)
        from bench.soak import verdict as verdicts
        from chatapp.identity import canary_token

        options = self.options
        rooms = ["soak-%d" % number for number in range(options.rooms)]
        people = People(stage.ports, rooms, options.clients, options.rate, lambda: canary_token("soak"))
        watch = Watch(stage, min(5.0, max(0.5, options.minutes)))
        self.began = time.monotonic()
        until = self.began + 60 * options.minutes
        people.start()
        watch.start()
        trouble = Trouble(stage, [] if options.calm else options.kinds.split(","), random.Random(self.seed), self.note)
        threads = [
            threading.Thread(target=self.tell_progress, args=(people, watch, trouble, until), daemon=True),
            threading.Timer(30 * options.minutes, setattr, (trouble, "spare", True)),
        ]
        for thread in threads:
            thread.daemon = True
            thread.start()
        trouble.run(until, options.every, self.stopped)
        self.stopped.wait(max(0.0, until - time.monotonic()))
        seconds = time.monotonic() - self.began
        self.stopped.set()
        self.note("The troubles are over; waiting until it is quiet")
        found = verdicts.Verdict(stage, people, watch, trouble, self.folder)
        try:
            found.reach()
        except Exception as e:
            found.add("The verdict was reached", False, repr(e))
        watch.stopped.set()
        verdicts.show(found, self.console)
        verdicts.write(found, self.about(people, trouble, seconds), self.folder)
        self.console.print("Written to %s" % self.folder)
        return 0 if found.is_clean and people.problem is None else 1

    def about(self, people: People, trouble: Trouble, seconds: float) -> dict[str, Any]:
        delays = people.delays
        tally = people.tally()
        return {
            "command": " ".join(["python", "-m", "bench.soak", *sys.argv[1:]]),
            "seed": self.seed,
            "minutes": round(seconds / 60, 1),
            "said": people.said,
            "acknowledged": people.acknowledged,
            **{name: tally[name] for name in ("heard", "repeated", "missed", "mended", "lost", "doubled", "inverted")},
            "clients cut off, times": sum(person.cut_off for person in people.persons),
            "delay, 50 % (ms)": delays.get_value_at_percentile(50) / 1000,
            "delay, 99 % (ms)": delays.get_value_at_percentile(99) / 1000,
            "delay, most (ms)": delays.get_max_value() / 1000,
            "refused": dict(sum((person.refused for person in people.persons), Counter())),
            "troubles": ", ".join("%d %s" % (count, kind) for kind, count in trouble.counts.most_common()),
        }

    def note(self, text: str) -> None:
        """Write down what happened when."""
        line = "%7.1f s  %s" % (time.monotonic() - self.began, text)
        with open(self.folder / "events.txt", "a") as events:
            events.write(line + "\n")
        self.console.print(line, highlight=False)

    def tell_progress(self, people: People, watch: Watch, trouble: Trouble, until: float) -> None:
        pause = 30 if self.options.minutes > 2 else 5
        while not self.stopped.wait(pause):
            tally = people.tally()
            newest = {one.name: one.value for one in watch.samples[-40:] if one.what in ("RSS", "memory")}
            names = ("heard", "mended", "lost", "doubled", "inverted")
            left = max(0.0, until - time.monotonic()) / 60
            said = "%d said, %d acknowledged, %d waiting" % (people.said, people.acknowledged, people.waiting)
            heard = ", ".join("%s %d" % (name, tally[name]) for name in names)
            self.note("%.1f min left: %s; %s" % (left, said, heard))
            memory = ", ".join("%s %.0f" % (name, value / MIB) for name, value in sorted(newest.items()))
            self.note("MiB: %s; %d troubles" % (memory, trouble.counts.total()))


def set_up_django(stage: Stage) -> None:
    """This process looks at the same database and the same layer."""
    os.environ.update(stage.environment)
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import django

    django.setup()


def main() -> int:
    options = make_parser().parse_args()
    if unknown := set(options.kinds.split(",")) - set(Trouble.all_kinds()):
        raise SystemExit(
            "--kinds: there is no %s; there are: %s" % (", ".join(unknown), ", ".join(Trouble.all_kinds()))
        )
    return Soak(options, Console(width=None if sys.stdout.isatty() else 200)).run()


if __name__ == "__main__":
    sys.exit(main())
