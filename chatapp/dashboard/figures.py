"""What the service tells of itself, as the series of the dashboard `service`."""

import time

from channels import DEFAULT_CHANNEL_LAYER, Channel, channel_layers
from django.db.models import Max, Q

from chatapp import doors
from chatapp.dashboard import storing
from chatapp.dashboard.names import SERVICE
from chatapp.models import ChatMessage, Presence, Room

#: Channels whose queues are shown: what people wait for.
CHANNELS = ("chat-messages", "dashboard-points", "http.request", "websocket.connect", "websocket.receive")
#: The channel of messages that are timed.
TRIP_CHANNEL = "dashboard-trip"
TRIP = SERVICE + ".trip"


class Meter:
    """Takes the figures, time and again. What is a rate, it knows from the second time on."""

    def __init__(self) -> None:
        self.before: tuple[float, int] | None = None

    def read(self) -> dict[str, float]:
        """Series → value, now."""
        here = Presence.objects.filter(seen__gt=Presence.horizon())
        canary = canary_room()
        # Those in no room count, too.
        here = here.filter(~Q(room_id=canary) | Q(room_id=None)) if canary else here
        return {SERVICE + ".sockets": here.count(), **self.rate(), **queues(), **workers()}

    def rate(self) -> dict[str, float]:
        """Chat messages a second since the last time. Only those are looked at, whatever the number of rooms."""
        now, newest = time.monotonic(), ChatMessage.objects.aggregate(newest=Max("id"))["newest"] or 0
        before, self.before = self.before, (now, newest)
        if before is None or now <= before[0]:
            return {}
        stored = ChatMessage.objects.filter(id__gt=before[1], id__lte=newest)
        # What the service says to itself is not counted.
        stored = stored.exclude(room_id=canary_room())
        return {SERVICE + ".messages": stored.count() / (now - before[0])}


def canary_room() -> int | None:
    """The primary key of the room in which the service talks to itself."""
    room = Room.read("slug = %s", doors.CANARY)
    return room.pk if room else None


def queues() -> dict[str, float]:
    """How many messages wait on each channel, and for how long the oldest has; if the layer tells."""
    layer = channel_layers[DEFAULT_CHANNEL_LAYER]
    if "leases" not in layer.extensions:
        return {}
    rows = {row.channel: row for row in layer.status()}
    found: dict[str, float] = {}
    for channel in CHANNELS:
        # In names of series a dot parts dashboard, chart and line.
        line = channel.replace(".", "-")
        row = rows.get(channel)
        found["%s.depth.%s" % (SERVICE, line)] = row.depth if row else 0
        found["%s.age.%s" % (SERVICE, line)] = row.age if row else 0.0
    return found


def workers() -> dict[str, float]:
    """How many workers live; if the layer tells."""
    layer = channel_layers[DEFAULT_CHANNEL_LAYER]
    return {SERVICE + ".workers": len(layer.workers())} if "leases" in layer.extensions else {}


def send_trip() -> None:
    """Send a message through the layer, for the worker that gets it to note how long it took."""
    Channel(TRIP_CHANNEL).send({"sent": time.time()}, immediately=True)


def note_trip(sent: float) -> list[str]:
    """
    Store how long such a message took, in milliseconds: from its sending, by the wall clocks of both machines, until a
    worker had it. Returns the series that have points for browsers now.
    """
    storing.store({TRIP: [(sent, max(0.0, (time.time() - sent) * 1000))]})
    return [TRIP]
