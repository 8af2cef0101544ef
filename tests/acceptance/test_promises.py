"""The promises of docs/protocol.md, kept by the Procfile's processes over real sockets."""

import asyncio
import json
import signal

import pytest
import requests
from websockets.asyncio.client import connect

from chatapp.models import ChatMessage, Presence, Room
from tests.waiting import FACTOR, wait_until

#: SQLite with Redis is what the browser's tests and those of trouble run on.
EVERYWHERE = pytest.mark.parametrize(
    ("database_url", "layer_kind"),
    [("postgresql", "redis"), ("postgresql", "database"), ("sqlite", "database")],
    indirect=True,
)

#: Where it makes no difference what database carries the messages.
ON_EACH_LAYER = pytest.mark.parametrize(
    ("database_url", "layer_kind"), [("postgresql", "redis"), ("sqlite", "database")], indirect=True
)

ROOMS, SOCKETS, MESSAGES = 10, 5, 40


class Chatter:
    """One of many sockets: says each of its messages twice, and notes what it hears."""

    def __init__(self, deployment, room, number):
        self.url = "ws://127.0.0.1:%d/chat/%s/" % (deployment.port, room)
        self.unacknowledged = {"%d-%d" % (number, n) for n in range(MESSAGES)}
        self.heard = []

    async def run(self, ready, go):
        async with connect(self.url, max_size=None, open_timeout=60 * FACTOR, ping_interval=None) as socket:
            listening = asyncio.ensure_future(self.listen(socket))
            await ready.wait()
            await go.wait()
            for client_id in sorted(self.unacknowledged):
                for _ in range(2):
                    await socket.send(json.dumps({"message": "hi", "client_id": client_id}))
            await listening

    async def listen(self, socket):
        while self.unacknowledged or len(self.heard) < SOCKETS * MESSAGES:
            frame = json.loads(await socket.recv())
            if frame["type"] == "message":
                self.heard.append(frame["seq"])
            elif frame["type"] == "ack":
                self.unacknowledged.discard(frame["client_id"])
            assert frame["type"] != "error", frame


async def chat(chatters):
    ready, go = asyncio.Barrier(len(chatters) + 1), asyncio.Event()
    tasks = [asyncio.ensure_future(chatter.run(ready, go)) for chatter in chatters]
    await asyncio.wait_for(ready.wait(), 60 * FACTOR)
    go.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 200 * FACTOR)


@pytest.mark.timeout(300 * FACTOR)
@EVERYWHERE
@pytest.mark.usefixtures("database")
def test_two_thousand_messages_sent_twice_are_stored_once_and_heard_once_in_one_order(deployment):
    """50 sockets in 10 rooms, one interface server, two workers, Redis."""
    deployment = deployment().start_all()
    chatters = [Chatter(deployment, "room-%d" % room, number) for room in range(ROOMS) for number in range(SOCKETS)]
    asyncio.run(chat(chatters))
    expected = list(range(1, SOCKETS * MESSAGES + 1))
    assert ChatMessage.objects.count() == ROOMS * SOCKETS * MESSAGES == 2000
    for room in Room.objects.all():
        assert list(room.messages.order_by("seq").values_list("seq", flat=True)) == expected
        assert room.head == room.announced == len(expected)
    for chatter in chatters:
        assert chatter.heard == expected


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_what_a_socket_says_without_waiting_is_stored_in_that_order_up_to_its_last_frame(deployment):
    """C11: on a layer without order, four workers shuffle it, and the disconnect overtakes the end."""
    deployment = deployment().start_all(workers=4)
    with deployment.socket() as socket:
        socket.next("welcome")
        for n in range(100):
            socket.send({"message": str(n), "client_id": str(n)})
    wait_until(lambda: ChatMessage.objects.count() == 100, "all are stored", 40)
    assert list(ChatMessage.objects.order_by("seq").values_list("message", flat=True)) == list(map(str, range(100)))


@EVERYWHERE
@pytest.mark.usefixtures("database")
def test_hostile_input_is_told_off_and_the_next_message_is_served(deployment):
    deployment = deployment().start_all()
    for name in ("a%20b", "%C3%A9", "x" * 200, "..%2F", "a%0A", "lobby/%0A", "%00"):
        with deployment.socket("/chat/%s/" % name) as socket:
            assert socket.next("error")["code"] == "invalid_room"
            assert socket.until_closed() == 4500
    with deployment.socket() as socket:
        hostile = {
            "": "empty_message",
            '{"message": "hi"': "invalid_json",
            '{"type": "zzz"}': "unknown_type",
            '{"message": "a\\u0000b"}': "invalid_text",
            "x" * 4001: "message_too_long",
            b"\x00\x01": "binary_frame",
        }
        for frame, code in hostile.items():
            socket.send(frame)
            assert socket.next("error")["code"] == code
        socket.send("still here")
        assert socket.next("message")["message"] == "still here"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_a_frame_of_five_megabytes_closes_its_socket_with_1009_and_harms_nobody(deployment):
    """D4"""
    deployment = deployment().start_all()
    with deployment.socket() as big, deployment.socket() as neighbour:
        big.next("welcome")
        big.send("x" * 5_000_000)
        assert big.until_closed() == 1009
        neighbour.send("undisturbed")
        assert neighbour.next("message")["message"] == "undisturbed"


@EVERYWHERE
@pytest.mark.usefixtures("database")
def test_one_who_comes_back_gets_everything_missed_and_then_what_is_new(deployment):
    deployment = deployment().start_all()
    with deployment.socket() as socket:
        for n in range(3):
            socket.send({"message": "m%d" % n, "client_id": str(n)})
            socket.next("ack")
    with deployment.socket("/chat/lobby/?since=1") as socket:
        page = socket.next("history")
        assert ([row["seq"] for row in page["messages"]], page["complete"]) == ([2, 3], True)
        socket.send("new")
        assert socket.next("message")["seq"] == 4


@ON_EACH_LAYER
@pytest.mark.usefixtures("database")
def test_membership_and_presence_outlive_their_expiry_while_the_socket_lives_and_end_when_it_dies(deployment):
    """A12, A13: with a keepalive every two seconds, a membership that is not renewed ends after six."""
    deployment = deployment(RELAY_KEEPALIVE_INTERVAL=2).start_all(workers=1)
    with deployment.socket() as quiet, deployment.socket() as other:
        for _ in range(5):
            quiet.next("head")
        other.send("are you still there?")
        assert quiet.next("message")["message"] == "are you still there?"
        quiet.send({"type": "presence"})
        assert quiet.next("presence")["count"] == 2
        deployment.web.send_signal(signal.SIGKILL)
        deployment.web.wait()
        # The sockets' process is gone without a word: no disconnect was sent for either.
        assert len(deployment.members("lobby")) == Presence.objects.count() == 2
    wait_until(lambda: deployment.members("lobby") == [], "the group forgets the dead sockets", 15)
    assert deployment.replace_web().poll() is None

    def alone():
        with deployment.socket() as socket:
            socket.send({"type": "presence"})
            return socket.next("presence")["count"] == 1

    wait_until(alone, "the dead sockets are no longer present", 15)


def log_in(deployment, name, password):
    """Sign up over HTTP, as a browser does; returns the session with its cookies."""
    session = requests.Session()
    url = "http://127.0.0.1:%d/accounts/signup/" % deployment.port
    session.get(url)
    form = {
        "username": name,
        "password1": password,
        "password2": password,
        "csrfmiddlewaretoken": session.cookies["csrftoken"],
    }
    assert session.post(url, form, allow_redirects=False).status_code == 302
    return session


@EVERYWHERE
@pytest.mark.usefixtures("database")
def test_logging_out_closes_that_users_sockets_within_a_second(deployment):
    deployment = deployment().start_all()
    alice = log_in(deployment, "alice", "a long pass phrase")
    bob = log_in(deployment, "bob", "another pass phrase")
    cookie = {"Cookie": "sessionid=" + alice.cookies["sessionid"]}
    key = alice.cookies["sessionid"]
    with (
        deployment.socket(additional_headers=cookie) as by_cookie,
        deployment.socket("/chat/other/?session_key=" + key) as by_key,
        deployment.socket("/chat/lobby/?session_key=" + bob.cookies["sessionid"]) as other,
    ):
        assert by_cookie.next("welcome")["user"] == by_key.next("welcome")["user"] == "alice"
        assert other.next("welcome")["user"] == "bob"
        url = "http://127.0.0.1:%d/accounts/logout/" % deployment.port
        alice.post(url, {"csrfmiddlewaretoken": alice.cookies["csrftoken"]})
        assert by_cookie.until_closed() == by_key.until_closed() == 4401
        other.send("still in")
        assert other.next("message")["user"] == "bob"


@EVERYWHERE
@pytest.mark.usefixtures("database")
def test_messages_come_in_from_everywhere(deployment):
    """From another process's Channel, a management command, HTTP, and a row saved in a shell."""
    deployment = deployment().start_all()
    with deployment.socket() as socket:
        socket.next("welcome")
        deployment.manage("say", "lobby", "from cron", "--as", "Cron")
        assert socket.next("message")["user"] == "Cron"
        program = (
            'from channels import Channel; Channel("chat-messages").send({"room": "lobby", "message": "from a bot"})'
        )
        deployment.manage("shell", "-c", program)
        assert socket.next("message")["message"] == "from a bot"
        program = (
            "from chatapp.models import *; "
            'ChatMessage.objects.create(room=Room.objects.get(slug="lobby"), message="from a shell")'
        )
        deployment.manage("shell", "-c", program)
        assert socket.next("message")["message"] == "from a shell"
        url = "http://127.0.0.1:%d/api/rooms/lobby/messages" % deployment.port
        assert requests.post(url, json={"message": "by HTTP", "client_id": "c"}).json()["seq"] == 4
        assert socket.next("message")["message"] == "by HTTP"
        socket.send("/roll 2d6")
        answer = socket.next("message", lambda frame: frame["sender"] == "bot:dice")
        assert (answer["seq"], " rolls 2d6: " in answer["message"]) == (6, True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_what_a_worker_stored_before_it_died_is_broadcast_by_another(deployment):
    deployment = deployment().start_all()
    with deployment.socket() as socket:
        socket.next("welcome")
        # Stored as a worker does it, by a process that ends before it broadcasts.
        program = (
            "from chatapp import ledger; from chatapp.identity import Sender; from chatapp.models import Room; "
            'ledger.store(Room.named("lobby"), Sender("server", "s"), "left behind", "1")'
        )
        deployment.manage("shell", "-c", program)
        assert socket.next("message")["message"] == "left behind"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_the_stock_daphne_and_the_stock_worker_run_this_chat_too(deployment):
    stock_worker = (
        'python -c "import project, os, django; '
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'project.settings'; django.setup(); "
        "from channels.asgi import channel_layers; from channels.worker import Worker; "
        "layer = channel_layers['default']; layer.router.check_default(); Worker(layer).run()\""
    )
    deployment = deployment().start_all(
        web="daphne -b 127.0.0.1 -p $PORT project.asgi:channel_layer", worker=stock_worker
    )
    with deployment.socket() as ann, deployment.socket("/chat/lobby/?since=0") as ben:
        ben.next("welcome")
        ann.send({"message": "hi", "client_id": "c"})
        assert ann.next("ack")["seq"] == 1
        assert ben.next("message")["message"] == "hi"
    assert deployment.get("/")[0] == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_sigterm_ends_a_worker_and_the_chat_goes_on(deployment):
    deployment = deployment().start_all()
    wait_until(lambda: deployment.logs().count(" listens on ") == 2, "both workers listen")
    with deployment.socket() as socket:
        socket.next("welcome")
        leaving = deployment.workers[0]
        leaving.send_signal(signal.SIGTERM)
        assert leaving.wait(20 * FACTOR) == 0
        deployment.processes.remove(leaving)
        socket.send({"message": "hi", "client_id": "c"})
        assert socket.next("ack")["seq"] == 1
