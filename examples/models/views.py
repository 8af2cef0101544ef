"""The page, and two more ways to say something."""

from channels import Channel
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from examples.models.models import Build, ChatMessage


def page(request, room):
    """A room, with the last of what was said there."""
    rows = ChatMessage.objects.filter(room=room).order_by("-pk")[:20]
    return render(request, "models/page.html", {"room": room, "rows": reversed(rows)})


@require_POST
def say(request, room):
    """A view can put a message on the channel just as a consumer can."""
    text = request.POST.get("message", "").strip()
    if text:
        Channel("chat-messages").send({"room": room, "name": "view", "message": text})
    return redirect("models-room", room)


@require_POST
def build(request, room):
    """This only saves a row; the signal in models.py does the rest."""
    title = request.POST.get("title", "").strip()[:100]
    if title:
        Build.objects.create(room=room, title=title, passed="passed" in request.POST)
    return redirect("models-room", room)
