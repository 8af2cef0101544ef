"""What every template knows. Named in TEMPLATES."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def sockets(request: HttpRequest) -> dict[str, Any]:
    """The path that all of the site is below, and where pages open their sockets, if not at their own host."""
    return {"root": request.META.get("SCRIPT_NAME", "").rstrip("/"), "socket_url": settings.CHAT_SOCKET_URL}
