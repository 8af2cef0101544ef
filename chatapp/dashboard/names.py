"""
What series and dashboards may be called.

A series is `<dashboard>`, `<dashboard>.<chart>` or `<dashboard>.<chart>.<line>`: the name says where it is drawn. Group
names are made from checked names only. Pure.
"""

import re
from typing import Any

from chatapp.dashboard.exceptions import DashboardError
from chatapp.names import skeleton

#: Characters of a series' name. With what stands before it, a group's name has less than 100.
NAME_LIMIT = 80
#: The dashboard of the service itself. Its series can't be posted, nor those of one whose name looks the same.
SERVICE = "service"

_PART = r"[A-Za-z0-9_\-]{1,32}"
_DASHBOARD = re.compile(_PART)
_SERIES = re.compile(r"%s(\.%s){0,2}" % (_PART, _PART))


def checked_series(name: Any) -> str:
    """The name of a series. Raises DashboardError `invalid_series`."""
    if not isinstance(name, str) or len(name) > NAME_LIMIT or not _SERIES.fullmatch(name):
        raise DashboardError("invalid_series")
    return name


def checked_dashboard(name: Any) -> str:
    """The name of a dashboard. Raises DashboardError `invalid_dashboard`."""
    if not isinstance(name, str) or not _DASHBOARD.fullmatch(name):
        raise DashboardError("invalid_dashboard")
    return name


def writable_series(name: Any) -> str:
    """The name of a series that people may write. Raises DashboardError."""
    if skeleton(dashboard_of(checked_series(name))) == skeleton(SERVICE):
        raise DashboardError("reserved_series")
    return name


def dashboard_of(series: str) -> str:
    return series.split(".")[0]


def chart_of(series: str) -> str:
    """The chart that a series is drawn in; empty: the dashboard's only one."""
    return ".".join(series.split(".")[1:2])


def line_of(series: str) -> str:
    """The line in that chart; empty: its only one."""
    return ".".join(series.split(".")[2:])


def words(name: str) -> str:
    """A part of a name as a title: `soil-moisture` → `Soil moisture`."""
    text = re.sub(r"[-_]+", " ", name).strip() or name
    return text[:1].upper() + text[1:]
