"""Several processes that write to one database."""

import os
import subprocess
import sys

import pytest

from chatapp.models import ChatMessage, Room
from tests.databases import ROOT

WRITER = """
import sys
import project, django
django.setup()
from chatapp import ledger
from chatapp.identity import Sender
from chatapp.models import Room

for n in range(100):
    room, _ = Room.objects.get_or_create(slug="room-%d" % (n % 2))
    ledger.store(room, Sender("bot:" + sys.argv[1], "b"), "hi", str(n))
    list(room.messages.all()[:5])
"""


@pytest.mark.usefixtures("layer")
def test_four_processes_number_two_rooms_without_holes_or_errors(database):
    """On SQLite none of them sees "database is locked"."""
    environment = {**os.environ, "DATABASE_URL": database, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER]
    writers = [
        subprocess.Popen([*command, str(n)], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    assert [writer.communicate()[1] for writer in writers] == [""] * 4
    for room in Room.objects.all():
        assert list(room.messages.order_by("id").values_list("seq", flat=True)) == list(range(1, 201))
    assert ChatMessage.objects.count() == 400
