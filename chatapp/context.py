"""What every template knows. Named in TEMPLATES."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def sockets(request: HttpRequest) -> dict[str, Any]:
    """Where pages open their sockets, if not at their own host."""
    return {"socket_url": settings.CHAT_SOCKET_URL}
