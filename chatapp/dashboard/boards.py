"""
Which charts a dashboard has.

The names of series say it: `garden.soil.bed-1` is the line `bed-1` in the chart `soil` of the dashboard `garden`, which
is there as soon as somebody posts to it. A *board* adds titles, units and an order to that:

    board("garden", "The garden", {"soil": Chart("Soil moisture", "%")})

Call it from an app's `ready`. Charts that a board does not name come after those it does.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from chatapp.dashboard.names import SERVICE, chart_of, line_of, words

#: Series that one dashboard shows at most.
SHOWN_LIMIT = 50


class Chart(NamedTuple):
    """What a chart is called, and the unit of its values: `%`, `ms`, `per second`."""

    title: str
    unit: str = ""


class Board(NamedTuple):
    title: str
    charts: Mapping[str, Chart]


registry: dict[str, Board] = {}


def board(name: str, title: str, charts: Mapping[str, Chart]) -> None:
    """Say what a dashboard and its charts are called, in the order in which they are shown."""
    registry[name] = Board(title, charts)


def title_of(dashboard: str) -> str:
    return registry[dashboard].title if dashboard in registry else words(dashboard)


def layout(dashboard: str, series: Iterable[str]) -> dict[str, Any]:
    """The title, the charts with their lines, and how many series are left out, as browsers are told."""
    names = sorted(series)
    known = registry[dashboard].charts if dashboard in registry else {}
    charts: dict[str, list[str]] = {}
    for name in names[:SHOWN_LIMIT]:
        charts.setdefault(chart_of(name), []).append(name)
    order = [*(name for name in known if name in charts), *(name for name in charts if name not in known)]
    shown = [describe(name, known.get(name) or Chart(words(name or dashboard)), charts[name]) for name in order]
    return {"title": title_of(dashboard), "charts": shown, "left_out": max(0, len(names) - SHOWN_LIMIT)}


def describe(name: str, chart: Chart, series: list[str]) -> dict[str, Any]:
    lines = [{"series": one, "label": line_of(one) or chart.title} for one in series]
    return {"name": name, "title": chart.title, "unit": chart.unit, "lines": lines}


board(
    SERVICE,
    "The service itself",
    {
        "messages": Chart("Chat messages", "per second"),
        "sockets": Chart("Open sockets"),
        "trip": Chart("Trip through layer and worker", "ms"),
        "depth": Chart("Messages waiting, by channel"),
        "age": Chart("Oldest message waiting, by channel", "s"),
        "workers": Chart("Workers"),
    },
)
