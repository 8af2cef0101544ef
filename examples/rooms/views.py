"""The page."""

from django.shortcuts import render


def page(request, room=None):
    """A room, or the question which one. The page's script opens its socket at the page's own address."""
    return render(request, "rooms/page.html", {"room": room or request.GET.get("room")})
