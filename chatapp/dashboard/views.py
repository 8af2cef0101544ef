"""The pages: the list of dashboards, and one of them."""

from collections.abc import Callable
from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from chatapp.dashboard import access, boards
from chatapp.dashboard.exceptions import DashboardError
from chatapp.dashboard.models import Series
from chatapp.dashboard.names import SERVICE, checked_dashboard

View = Callable[..., HttpResponse]


def for_those_who_may(view: View) -> View:
    """Decorator: others are sent to log in, or told that it would not help."""

    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            access.check(request.user)
        except DashboardError as e:
            if e.code == "login_required":
                return redirect("%s?next=%s" % (reverse("login"), request.path))
            return render(request, "dashboard/refused.html", {"text": e.text}, status=403)
        return view(request, *args, **kwargs)

    return inner


@require_GET
@for_those_who_may
def dashboards(request: HttpRequest) -> HttpResponse:
    """The list: those that have series, and those that have a name in `boards`."""
    counts = dict(Series.objects.order_by().values_list("dashboard").annotate(Count("id")))
    names = sorted({*counts, *boards.registry} - {SERVICE})
    found = [(name, boards.title_of(name), counts.get(name, 0)) for name in [SERVICE, *names]]
    return render(request, "dashboard/dashboards.html", {"dashboards": found})


@require_GET
@for_those_who_may
def dashboard(request: HttpRequest, name: str) -> HttpResponse:
    """One dashboard. It need not have any series yet: the page waits for the first."""
    try:
        checked_dashboard(name)
    except DashboardError as e:
        raise Http404(e.text) from None
    config = {
        "name": name,
        "readyUrl": reverse("readyz"),
        "loginUrl": "%s?next=%s" % (reverse("login"), request.path),
    }
    context = {
        "config": config,
        "title": boards.title_of(name),
        "name": name,
        "is_service": name == SERVICE,
        "ingest_url": request.build_absolute_uri(reverse("ingest", args=[name + ".temperature"])),
    }
    return render(request, "dashboard/dashboard.html", context)
