"""What machines ask for over HTTP: `/healthz`, `/readyz` and `/metrics`."""

from channels import DEFAULT_CHANNEL_LAYER, channel_layers
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from relay import conf, readiness
from relay.headers import is_loopback
from relay.metrics.scrape import scraped

#: What proxies add: then the peer says nothing of who asks.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """This interface server is alive, and a worker answers it."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """What a message needs: the database, the channel layer, a worker for every channel. 503 names what is missing."""
    state = readiness.state()
    return JsonResponse(state, status=200 if state["status"] == "ok" else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What all processes of this deployment have measured, for Prometheus."""
    reason = why_not(request)
    if reason:
        return HttpResponse(reason + "\n", status=403, content_type="text/plain; charset=utf-8")
    response = HttpResponse(scraped(channel_layers[DEFAULT_CHANNEL_LAYER]), content_type=CONTENT_TYPE_LATEST)
    response["Cache-Control"] = "no-store"
    return response


def why_not(request: HttpRequest) -> str:
    """Why this may not be read, in a sentence; empty: it may."""
    token = conf.get("METRICS_TOKEN")
    if token:
        if constant_time_compare(request.META.get("HTTP_AUTHORIZATION", ""), "Bearer " + token):
            return ""
        return "Send the header Authorization: Bearer with the token in RELAY_METRICS_TOKEN."
    direct = not any(name in request.META for name in FORWARDED)
    if direct and is_loopback(request.META.get("REMOTE_ADDR", "")):
        return ""
    return (
        "Without RELAY_METRICS_TOKEN only this machine itself may read the metrics, and not through a proxy. "
        "Set it, and send it in the header Authorization: Bearer."
    )
