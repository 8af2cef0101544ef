"""The chat within the test's process: a layer in memory, and consumers run as a worker runs them."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from channels.asgi import ChannelLayerWrapper, channel_layers
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatapp import clock
from chatapp.models import Room
from relay.dispatch import dispatch
from relay.layers.inmemory import ChannelLayer
from routing import channel_routing
from tests.secrets import keep, keep_text


class QuickHasher(PBKDF2PasswordHasher):
    """Django's PBKDF2, once around instead of 150,000 times."""

    iterations = 1


@pytest.fixture
def settings_override(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that changes Django settings for this test."""

    def override(**changes: Any) -> None:
        for name, value in changes.items():
            monkeypatch.setattr(settings, name, value, raising=False)

    return override


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock that all share stands still: the shortest wait of who guesses is a second."""
    now = timezone.now()
    monkeypatch.setattr(clock, "now", lambda: now)


@pytest.fixture
def layer() -> Iterator[ChannelLayerWrapper]:
    """The default channel layer, empty, and this test's own."""
    # A copy of the routes: a router adds to the list that it is given.
    fresh = ChannelLayerWrapper(ChannelLayer(**{**settings.LAYER, "capacity": 1000}), "default", list(channel_routing))
    before = channel_layers.set("default", fresh)
    yield fresh
    if before is None:
        del channel_layers.backends["default"]
    else:
        channel_layers.set("default", before)


@pytest.fixture
def lobby(database: str) -> Room:
    return Room.objects.create(slug="lobby", title="Lobby")


@pytest.fixture
def alice(database: str) -> Any:
    """Someone with an account."""
    return get_user_model().objects.create_user("alice", password="correct horse")


@pytest.fixture
def bob(database: str) -> Any:
    """Someone else with an account."""
    return get_user_model().objects.create_user("bob", password="battery staple")


@pytest.fixture
def django_queries(database: str) -> Callable[..., Any]:
    """A context manager that gives the list of statements which Django ran in it, in this thread."""

    @contextmanager
    def watch() -> Iterator[list[str]]:
        queries: list[str] = []
        with CaptureQueriesContext(connection) as captured:
            yield queries
        queries += [query["sql"] for query in captured]

    return watch


def log_in(user: Any) -> str:
    """A login session; returns its key, as `?session_key=` takes it."""
    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.save()
    return keep(session.session_key)


class Socket:
    """
    A WebSocket without the wire: it puts on the layer what an interface server would, and reads what it would send.

    `work` runs what waits on the layer, like a worker.
    """

    def __init__(
        self,
        layer: ChannelLayerWrapper,
        path: str = "/chat/lobby/",
        query: str | bytes = "",
        cookie: str = "",
        address: str = "127.0.0.1",
    ):
        self.layer = layer
        self.path = path
        self.process = "daphne.response.%s!" % uuid.uuid4().hex[:10]
        self.channel = self.process + "socket"
        self.order = 0
        headers = [(b"cookie", cookie.encode())] if cookie else []
        query = query if isinstance(query, bytes) else query.encode()
        self.put("websocket.connect", query_string=query, headers=headers, client=[address, 5000])

    def put(self, channel: str, **content: Any) -> None:
        message = {"reply_channel": self.channel, "path": self.path, "order": self.order, **content}
        self.order += 1
        self.layer.send(channel, message)
        work(self.layer)

    def say(self, text: str | bytes | dict[str, Any]) -> None:
        keep_text(text)
        if isinstance(text, dict):
            text = json.dumps(text)
        self.put("websocket.receive", **({"bytes": text} if isinstance(text, bytes) else {"text": text}))

    def contents(self) -> list[dict[str, Any]]:
        """Everything sent to this socket since the last look, as messages of the layer."""
        found = []
        while True:
            channel, content = self.layer.receive([self.process])
            if channel is None:
                return found
            found.append(content)

    def frames(self, *types: str) -> list[dict[str, Any]]:
        """The frames among them; of these types, if any are named."""
        frames = [json.loads(content["text"]) for content in self.contents() if "text" in content]
        return [frame for frame in frames if not types or frame["type"] in types]


def work(layer: ChannelLayerWrapper) -> None:
    """Run the consumers of everything that waits on the layer."""
    while True:
        channel, content = layer.receive(list(layer.router.channels))
        if channel is None:
            return
        dispatch(layer, channel, content)
