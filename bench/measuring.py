"""Taking figures: each deployment started anew for each of them, the peers by turns, and the medians in a table."""

import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.deployments import Deployment

#: What is measured of a running deployment: figures by the names of their columns.
Figure = Callable[[Deployment], dict[str, float]]


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


def measure(
    kinds: list[type[Deployment]], figures: dict[str, Figure], repeats: int, console: Console
) -> dict[str, dict[str, float]]:
    """The medians of each deployment's figures, by its name."""
    runs = [(kind, name) for kind in kinds for name in figures if name not in kind.left_out] * repeats
    found: dict[str, dict[str, list[float]]] = {kind.name: {} for kind in kinds}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(runs))
        for kind, name in runs:
            progress.update(task, description="%s: %s" % (kind.name, name))
            for key, value in run_once(kind, name, figures[name], console).items():
                found[kind.name].setdefault(key, []).append(value)
            progress.advance(task)
    return {name: {key: statistics.median(values) for key, values in row.items()} for name, row in found.items()}


def present(kinds: list[type[Deployment]], only: str, console: Console) -> list[type[Deployment]]:
    """The deployments that are asked for and can be had."""
    wanted = [kind for kind in kinds if not only or kind.__name__.lower() in only.split(",")]
    reasons = {kind: kind.absent() for kind in wanted}
    for kind, reason in reasons.items():
        if reason:
            console.print("%s is absent: %s" % (kind.name, reason))
    return [kind for kind in wanted if not reasons[kind]]


def run_once(kind: type[Deployment], name: str, figure: Figure, console: Console) -> dict[str, float]:
    try:
        with running(kind) as deployment:
            return figure(deployment)
    except (OSError, AssertionError) as e:
        console.print("%s, %s: failed, and is left out: %s" % (kind.name, name, e))
        return {}


def show(rows: dict[str, dict[str, float]], as_json: bool) -> None:
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    columns = list(dict.fromkeys(key for row in rows.values() for key in row))
    table = Table("", *columns)
    for name, row in rows.items():
        table.add_row(name, *("%.4g" % row[key] if key in row else "" for key in columns))
    Console(width=200).print(table)
