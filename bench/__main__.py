"""
Parley and its peers on the same work, in one run.

    python -m bench                     everything, three times: an hour and a half
    python -m bench --quick             a first impression, in less than five minutes
    python -m bench --only "fan-out,hot room" --peer parley,ws --repeats 5
    python -m bench --compare var/bench/one.json var/bench/other.json

Each deployment is started anew for each workload, the peers by turns; a figure is the median of the repeats. Peers
install themselves into var/peers from the registries of Python, npm and Debian; one that can't be had is said to be
absent.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from rich.console import Console
from rich.progress import Progress

from bench import report
from bench.brokers import Ejabberd, Mosquitto, Nchan
from bench.calibrate import ceilings
from bench.channels import Channels1, Channels4, Channels4Alone, Channels4Core, Channels4Daphne, Channels4OnPostgres
from bench.deployments import Deployment
from bench.node import NodeWs, SocketIO, SocketIOSaving
from bench.parley import Parley, ParleyAlone, ParleyOnPostgres, ParleyOnPostgresAlone, Plain, Ready
from bench.workloads import QUICK, WORKLOADS, Row, Scale
from deploy.up import ROOT

KINDS: list[type[Deployment]] = [
    *(Parley, ParleyOnPostgres, ParleyAlone, ParleyOnPostgresAlone, Plain, Ready),
    *(Channels1, Channels4, Channels4OnPostgres, Channels4Alone, Channels4Core, Channels4Daphne),
    *(SocketIOSaving, SocketIO, NodeWs, Nchan, Mosquitto, Ejabberd),
]
QUICK_KINDS = ["parley", "plain", "channels4", "ws"]
QUICK_WORKLOADS = ["fan-out", "small rooms", "hot room", "idle", "connections"]


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


def run_once(kind: type[Deployment], workload: str, scale: Scale, console: Console) -> Row | None:
    """The figures; None if it failed, which is said."""
    try:
        with running(kind) as deployment:
            return WORKLOADS[workload][1](deployment, scale)
    except (OSError, RuntimeError, ArithmeticError, subprocess.SubprocessError, psutil.Error) as e:
        console.print("%s, %s: failed: %s: %s" % (kind.title, workload, type(e).__name__, e), markup=False)
        return None


def measure(
    kinds: list[type[Deployment]], workloads: list[str], scale: Scale, repeats: int, console: Console
) -> report.Results:
    """workload → deployment → the medians of its figures. One that failed each time has `failed` instead."""
    steps = [(workload, kind) for workload in workloads for kind in kinds if workload not in kind.left_out]
    runs: dict[tuple[str, str], list[Row]] = {(workload, kind.title): [] for workload, kind in steps}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(steps) * repeats)
        for turn in range(repeats):
            for workload, kind in steps:
                progress.update(task, description="%d of %d: %s, %s" % (turn + 1, repeats, workload, kind.title))
                row = run_once(kind, workload, scale, console)
                if row is not None:
                    runs[workload, kind.title].append(row)
                progress.advance(task)
    results: report.Results = {}
    for (workload, title), rows in runs.items():
        results.setdefault(workload, {})[title] = report.medians(rows) if rows else {"failed": 1.0}
    return results


def present(kinds: list[type[Deployment]], console: Console) -> tuple[list[type[Deployment]], dict[str, str]]:
    """Those that can be had, and why the others can't."""
    absent = {}
    with console.status("Installing peers"):
        for kind in kinds:
            if reason := kind.absent():
                absent[kind.title] = reason
                console.print("%s is absent: %s" % (kind.title, reason), markup=False)
    return [kind for kind in kinds if kind.title not in absent], absent


def chosen(asked: str, known: list[str], usual: list[str], option: str) -> list[str]:
    names = [name.strip() for name in asked.split(",")] if asked else usual
    if unknown := set(names) - set(known):
        raise SystemExit("%s: there is no %s; there are: %s" % (option, ", ".join(unknown), ", ".join(known)))
    return names


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="few peers, small crowds, once: less than five minutes")
    parser.add_argument("--only", default="", metavar="WORKLOADS", help="of: %s" % ", ".join(WORKLOADS))
    parser.add_argument("--peer", default="", metavar="NAMES", help="of: %s" % ", ".join(kind.name for kind in KINDS))
    parser.add_argument("--repeats", type=int, default=0, help="of each (default: 3; 1 with --quick)")
    parser.add_argument("--out", type=Path, help="folder for results (default: var/bench/<date>)")
    parser.add_argument("--compare", nargs=2, type=Path, metavar="JSON", help="two runs, and measure nothing")
    return parser


def main() -> int:
    options = make_parser().parse_args()
    console = Console(width=None if sys.stdout.isatty() else 200)
    if options.compare:
        report.compare(*options.compare, console)
        return 0
    every = [kind.name for kind in KINDS]
    names = chosen(options.peer, every, QUICK_KINDS if options.quick else every, "--peer")
    workloads = chosen(options.only, list(WORKLOADS), QUICK_WORKLOADS if options.quick else list(WORKLOADS), "--only")
    scale = QUICK if options.quick else Scale()
    kinds, absent = present([kind for kind in KINDS if kind.name in names], console)
    with console.status("Measuring the generator itself"):
        generator = ceilings()
    console.print("The generator: %s" % ", ".join("%s %s" % (report.number(n), what) for what, n in generator.items()))
    results = measure(kinds, workloads, scale, options.repeats or (1 if options.quick else 3), console)
    report.show(results, console)
    folder = options.out or ROOT / "var" / "bench" / time.strftime("%Y%m%d-%H%M%S")
    titles = {name: text.format(**vars(scale)) for name, (text, _) in WORKLOADS.items()}
    about = {"generator": generator, "absent": absent}
    report.write(folder / "results.json", results, about, shlex.join(["python", "-m", "bench", *sys.argv[1:]]))
    (folder / "results.md").write_text(report.markdown(results, titles))
    report.plot(results, folder)
    console.print("Written to %s: results.json, results.md, and a plot of each workload" % folder)
    return 0 if all("failed" not in row for rows in results.values() for row in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
