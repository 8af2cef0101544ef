"""The HTTP API: post points."""

import logging
from datetime import timedelta
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER, channel_layers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from chatapp.api.endpoint import Endpoint
from chatapp.dashboard.exceptions import DashboardError
from chatapp.dashboard.names import writable_series
from chatapp.dashboard.serializers import PostSerializer, first_problem
from chatapp.dashboard.storing import CHANNEL, store_and_announce
from chatapp.idempotency import once
from chatapp.protocol import error_frame

logger = logging.getLogger(__name__)

#: How long the key of a post is kept. Sensors post all day long: a day's keys would take more room than their points.
KEEP = timedelta(hours=1)


class Ingest(Endpoint):
    """`POST /api/ingest/<series>`, for whoever has an account."""

    permission_classes = (IsAuthenticated,)

    def post(self, request: Request, series: str) -> Response:
        """
        Store points: `{"value", "at"?}` or `{"points": […]}`. Answers 201 when they are stored and on their way to the
        browsers; 503 when they are stored, but no browser will show them soon, and says why.
        """
        name = writable_series(series)
        points = PostSerializer(data=request.data)
        if not points.is_valid():
            raise DashboardError("invalid_points", first_problem(points.errors))
        stored = {"series": name, "stored": len(points.pairs)}
        trouble = deliver(request, name, points.pairs)
        if trouble is None:
            return Response(stored, status=201)
        logger.warning("%d points of %s are stored, but not shown: %s", stored["stored"], name, trouble.code)
        return Response({**error_frame(trouble), **stored}, status=trouble.status)

    def handle_exception(self, exc: Exception) -> Response:
        """Errors look as they do on the socket."""
        if isinstance(exc, DashboardError):
            return Response(error_frame(exc), status=exc.status)
        return super().handle_exception(exc)


def deliver(request: Request, name: str, points: list[tuple[float, float]]) -> DashboardError | None:
    """Store points once and have them sent to browsers. Returns why those will not see them soon, if so."""
    failures: list[Exception] = []

    def store() -> str:
        store_and_announce(name, points, failures.append, request.user)
        return ""

    # If an earlier delivery has stored them and died before it told a worker, the keeper does.
    once(request, "ingest", store, KEEP)
    layer = channel_layers[DEFAULT_CHANNEL_LAYER]
    if failures:
        return DashboardError("layer_full" if isinstance(failures[0], layer.ChannelFull) else "layer_down")
    try:
        return None if is_heard(layer) else DashboardError("nobody_listens")
    except Exception:
        logger.exception("The channel layer can't say which workers listen")
        return DashboardError("layer_down")


def is_heard(layer: Any) -> bool:
    """Whether a living worker listens where the points went; True also for a layer that does not know."""
    if CHANNEL not in layer.router.channels:
        return False
    return "leases" not in layer.extensions or any(CHANNEL in report["channels"] for report in layer.workers().values())
