"""Figures for people: tables, plots, a file of every run, and what changed between two."""

import json
import math
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import psutil
import pygal
from pygal.style import Style
from rich.console import Console
from rich.table import Table

from bench.workloads import LIMIT, Row

#: Figures that two runs are compared by.
COMPARED = (
    *("deliveries/s", "deliveries per CPU s", "messages/s", "connections/s"),
    *("KB per socket", "p50 ms", "p99 ms"),
)
#: Which figure stands for a workload in a plot.
PLOTTED = {"idle": "p50 ms", "connections": "connections/s", "memory": "KB per socket", "storm": "all back s"}

#: workload → title of a deployment → figures.
Results = dict[str, dict[str, Row]]


def machine() -> dict[str, Any]:
    """Where and when."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": model,
        "cores": os.cpu_count(),
        "memory GiB": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "ms for sum(i * i for i in range(100_000))": round(pace(), 1),
    }


def pace() -> float:
    """Milliseconds that this machine takes for some plain Python now. Rented ones change by the hour."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        sum(i * i for i in range(100_000))
        times.append(1000 * (time.perf_counter() - began))
    return min(times)


def medians(runs: list[Row]) -> Row:
    keys = dict.fromkeys(key for run in runs for key in run)
    return {key: statistics.median(run[key] for run in runs if key in run) for key in keys}


def write(path: Path, results: Results, about: dict[str, Any], command: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine(), "command": command, **about, "results": results}
    path.write_text(json.dumps(content, indent=1))


def number(value: float) -> str:
    """Three digits that say something."""
    if math.isnan(value):
        return ""
    if value == 0 or value >= 100:
        return "{:,.0f}".format(float("%.3g" % value))
    return "%.3g" % value


def cells(row: Row, columns: list[str]) -> list[str]:
    """A row that the generator was too slow for is void, and says so."""
    if "failed" in row:
        return ["failed", *([""] * (len(columns) - 1))]
    shown = [number(row[key]) if key in row else "" for key in columns]
    if row.get("generator", 0) > LIMIT:
        shown[0] += " (void: the generator was busy)"
    return shown


def columns_of(rows: dict[str, Row]) -> list[str]:
    return [key for key in dict.fromkeys(key for row in rows.values() for key in row) if key != "failed"]


def show(results: Results, console: Console) -> None:
    for workload, rows in results.items():
        columns = columns_of(rows)
        table = Table(workload, *columns, title_justify="left")
        for title, row in rows.items():
            table.add_row(title, *cells(row, columns))
        console.print(table)


def markdown(results: Results, titles: dict[str, str]) -> str:
    """Tables for docs/performance.md."""
    parts = []
    for workload, rows in results.items():
        columns = columns_of(rows)
        parts += ["### %s: %s" % (workload.capitalize(), titles[workload]), ""]
        parts += ["| | %s |" % " | ".join(columns), "|---" * (len(columns) + 1) + "|"]
        parts += ["| %s | %s |" % (title, " | ".join(cells(row, columns))) for title, row in rows.items()]
        parts.append("")
    return "\n".join(parts)


def plot(results: Results, folder: Path) -> None:
    """A bar for each deployment: one picture a workload."""
    folder.mkdir(parents=True, exist_ok=True)
    for workload, rows in results.items():
        key = PLOTTED.get(workload, "deliveries per CPU s")
        bars = {title: row[key] for title, row in rows.items() if key in row and row.get("generator", 0) <= LIMIT}
        if not bars:
            continue
        chart = pygal.HorizontalBar(
            title="%s: %s" % (workload, key),
            style=Style(colors=("#3b7dd8",), background="white", plot_background="white"),
            show_legend=False,
            value_formatter=number,
            height=90 + 44 * len(bars),
            width=900,
            x_labels=["%s: %s" % (title, number(value)) for title, value in bars.items()][::-1],
            js=[],
        )
        chart.add(key, list(bars.values())[::-1])
        chart.render_to_file(str(folder / ("%s.svg" % workload.replace(" ", "-"))))


def plot_growth(title: str, sizes: list[str], lines: dict[str, list[float]], folder: Path) -> None:
    """A line for each figure, on a logarithmic scale."""
    chart = pygal.Line(
        title=title,
        style=Style(colors=("#3b7dd8", "#d8743b", "#4a9c5d"), background="white", plot_background="white"),
        x_labels=sizes,
        logarithmic=True,
        value_formatter=number,
        print_values=True,
        legend_at_bottom=True,
        height=380,
        width=900,
        js=[],
    )
    for name, values in lines.items():
        chart.add(name, values)
    name = "growth-%s.svg" % title.split(",")[0].replace(" ", "-")
    chart.render_to_file(str(folder / name))


def compare(first: Path, second: Path, console: Console) -> None:
    """How much each figure of the second run is of the first, and of the first deployment in its own run."""
    old, new = (json.loads(path.read_text())["results"] for path in (first, second))
    table = Table("workload", "", "figure", first.stem, second.stem, "second/first", "ratio to the top row, change")
    for workload, rows in new.items():
        top = next(iter(rows))
        for title, row in rows.items():
            before = old.get(workload, {}).get(title, {})
            for key in COMPARED:
                if not (row.get(key) and before.get(key)):
                    continue
                change = relative(new, workload, top, title, key) / relative(old, workload, top, title, key)
                shown = [number(before[key]), number(row[key]), "%.2f" % (row[key] / before[key]), "%.2f" % change]
                table.add_row(workload, title, key, *shown)
    console.print(table)


def relative(results: Results, workload: str, top: str, title: str, key: str) -> float:
    reference = results.get(workload, {}).get(top, {}).get(key)
    return results[workload][title][key] / reference if reference else math.nan
