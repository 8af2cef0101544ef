"""`manage.py demo`: rooms to try the chat in."""

from typing import Any

from django.core.management.base import BaseCommand

from chatapp import ledger
from chatapp.identity import Sender
from chatapp.models import SERVER, Room

#: Slug → title, and what is said there first.
ROOMS = {
    "lobby": ("Lobby", "Welcome! Open this page in a second window, and chat. /help says what else there is."),
    "dice": ("Dice", "Say /roll 2d6 to throw two dice."),
    "quiet": ("Quiet corner", "Nothing happens here, until you say something."),
}


class Command(BaseCommand):
    help = "Make the demo rooms %s, if they aren't there." % ", ".join(ROOMS)

    def handle(self, **options: Any) -> None:
        for slug, (title, greeting) in ROOMS.items():
            room, made = Room.objects.get_or_create(slug=slug, defaults={"title": title})
            ledger.store(room, Sender(SERVER, "Parley"), greeting, "demo")
            if made:
                self.stdout.write("Made the room %s." % slug)
