"""Clients that keep talking whatever happens, and what must be stored of it in the end."""

import threading
import time

from websockets.exceptions import ConnectionClosed

from chatapp.models import ChatMessage, Room

#: Seconds that a sender waits for an acknowledgement before it says the same again, as the page does.
PATIENCE = 3


class Talker(threading.Thread):
    """A client that does what the page does: it keeps what is not acknowledged, and comes back when it is cut off."""

    def __init__(self, deployment, room, name):
        super().__init__(daemon=True)
        self.deployment, self.room, self.talker = deployment, room, name
        self.acknowledged = {}
        self.stopped = threading.Event()
        self.errors = []
        self.start()

    def run(self):
        n = 0
        while not self.stopped.is_set():
            try:
                with self.deployment.socket("/chat/%s/" % self.room) as socket:
                    while not self.stopped.is_set():
                        n += self.say(socket, "%s-%d" % (self.talker, n))
            except (ConnectionClosed, OSError, AssertionError) as e:
                self.errors.append(repr(e))
                time.sleep(0.1)

    def say(self, socket, client_id):
        """Say it once; True if it was acknowledged in time."""
        socket.send({"message": "hi", "client_id": client_id})
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                frame = socket.next("ack", patience=PATIENCE)
            except AssertionError:
                return False
            self.acknowledged[frame["client_id"]] = frame["seq"]
            if frame["client_id"] == client_id:
                return True
        return False


def check_what_is_stored(talkers):
    """What was acknowledged is stored, once, under the number that was acknowledged; and no room has a hole."""
    rows = {(row.room.slug, row.client_id): row.seq for row in ChatMessage.objects.select_related("room")}
    acknowledged = {(t.room, client_id): seq for t in talkers for client_id, seq in t.acknowledged.items()}
    assert {key: rows.get(key) for key in acknowledged} == acknowledged
    assert len(rows) == ChatMessage.objects.count()
    for room in Room.objects.filter(slug__in={talker.room for talker in talkers}):
        assert sorted(room.messages.values_list("seq", flat=True)) == list(range(1, room.head + 1))
