"""The rooms on the front page: where people are first, then where most was said. No query looks at all rooms."""

from django.db.models import Count

from chatapp import doors
from chatapp.models import Presence, Room

#: Rooms on the front page.
ROOMS_LIMIT = 100


def rooms() -> list[Room]:
    """Those to show, each with the number of people in it as `present`."""
    present = people()
    # Those that the server picks are nobody's to choose.
    listed = Room.objects.exclude(slug__startswith=doors.PREFIX).exclude(slug=doors.CANARY)
    found = {room.pk: room for room in listed.filter(pk__in=present)}
    for room in listed.order_by("-head", "slug")[:ROOMS_LIMIT]:
        found.setdefault(room.pk, room)
    for room in found.values():
        room.present = present.get(room.pk, 0)
    return sorted(found.values(), key=lambda room: (-room.present, -room.head, room.slug))[:ROOMS_LIMIT]


def people() -> dict[int, int]:
    """The rooms with most people, by primary key, and how many."""
    here = Presence.objects.filter(seen__gt=Presence.horizon()).exclude(room=None)
    # More than are shown, as some are not listed.
    counts = here.values_list("room").annotate(people=Count("sender", distinct=True)).order_by("-people")
    return dict(counts[: 2 * ROOMS_LIMIT])
