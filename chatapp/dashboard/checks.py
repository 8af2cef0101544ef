"""Django system checks: what is missing or can't be, each with its remedy."""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core import checks

from chatapp.dashboard.access import CIRCLES

#: Where the pages' templates have it.
CHART_LIBRARY = "uplot/uPlot.iife.min.js"


def check_access(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """dashboard.E001: who may see dashboards must be one of three."""
    if settings.CHAT_DASHBOARDS in CIRCLES:
        return []
    return [
        checks.Error(
            "CHAT_DASHBOARDS is %r: nobody but the staff may see dashboards." % settings.CHAT_DASHBOARDS,
            hint="Set it to one of: %s." % ", ".join(CIRCLES),
            id="dashboard.E001",
        )
    ]


def check_frontend(app_configs: Any, **kwargs: Any) -> list[checks.CheckMessage]:
    """dashboard.W001: without the chart library dashboards show numbers only."""
    if finders.find(CHART_LIBRARY):
        return []
    return [
        checks.Warning(
            "The chart library is not there: dashboards show numbers, but draw nothing.",
            hint="Run `make frontend`, or python deploy/frontend.py, and start again.",
            id="dashboard.W001",
        )
    ]
