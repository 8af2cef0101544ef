"""Whatever is asked for over HTTP, whoever asks: an answer that is no error of ours."""

import json
import re
from urllib.parse import quote

import pytest
from django.urls import get_resolver
from django.urls.resolvers import URLPattern
from hypothesis import given, settings
from hypothesis import strategies as st

from chatapp.dashboard.storing import record
from relay.headers import CONTROL, BadRequest, clean
from relay.responses import ViewConsumer
from tests.chat import log_in, work
from tests.fuzz import DATABASES, EXAMPLES
from tests.fuzz.strategies import FRAMES, HARD, JSON_TEXTS, NAMES, NUMBERS, QUERIES, TEXT, WORDS

pytestmark = [pytest.mark.parametrize("database_url", DATABASES, indirect=True), pytest.mark.usefixtures("lobby")]


def routes(patterns, before=()):
    """Every URL of the resolver, in parts: text, or None for what may be anything."""
    for pattern in patterns:
        parts = (*before, *parts_of(str(pattern.pattern)))
        if isinstance(pattern, URLPattern):
            yield parts
        else:
            yield from routes(pattern.url_patterns, parts)


def parts_of(pattern):
    """Of a route as `path` or `re_path` have it."""
    pattern = re.sub(r"\(\?P<\w+>[^)]*\)", "<x>", pattern.replace("/?\\Z", ""))
    parts = re.split(r"<[^>]*>", re.sub(r"[$^]", "", pattern))
    return [parts[0], *(part for text in parts[1:] for part in (None, text))]


ROUTES = sorted(set(routes(get_resolver().url_patterns)), key=str)
ADMIN = [route for route in ROUTES if "admin/" in route]
OURS = [route for route in ROUTES if route not in ADMIN]


def written(route):
    return "/" + "".join("*" if part is None else part for part in route)


METHODS = st.sampled_from(["GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "PATCH", "DELETE", "TRACE", "BREW"])
CHARSETS = [
    "utf-8",
    "hex",
    "base64",
    "rot13",
    "idna",
    "punycode",
    "utf-7",
    "utf-16",
    "undefined",
    "unicode_escape",
    "x" * 99,
]
CHARSETS += ["windows-1251", "shift_jis", "gb2312", "iso2022_jp", "big5hkscs", "utf-32", "cp037", ""]
CHARSETS += ["zlib", "latin1", "ascii", "mbcs", "none", "'", '"', "utf-8\xff"]
TYPES = st.one_of(
    st.sampled_from(["", "application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
    | TEXT,
    st.builds(
        "{}; charset={}".format,
        st.sampled_from(["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]),
        st.sampled_from(CHARSETS),
    ),
    st.builds("multipart/form-data; boundary={}".format, st.sampled_from(["b", '"', "", "é", "b" * 300]) | TEXT),
)
FORM_FIELDS = [
    "username",
    "password",
    "password1",
    "password2",
    "next",
    "csrfmiddlewaretoken",
    "action",
    "_selected_action",
]
FORM_FIELDS += ["slug", "title", "_save", "post", "select_across", "index", "message", "room", "date_joined_0"]
FORMS = st.lists(st.tuples(st.sampled_from(FORM_FIELDS) | TEXT, WORDS | TEXT | NUMBERS.map(str)), max_size=6)


def encoded(form):
    pairs = (tuple(quote(text.encode("utf-8", "surrogatepass")) for text in pair) for pair in form)
    return "&".join("%s=%s" % pair for pair in pairs).encode()


def multipart(form):
    lines = []
    for name, value in form:
        disposition = 'Content-Disposition: form-data; name="%s"; filename="a"' % name
        if len(name) % 2:
            disposition = 'Content-Disposition: form-data; name="%s"' % name
        lines += ["--b", disposition, "", value]
    return "\r\n".join([*lines, "--b--", ""]).encode("utf-8", "surrogatepass")


BODIES = st.one_of(
    st.just(b""),
    JSON_TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    FRAMES.map(lambda frame: json.dumps(frame).encode()),
    HARD.map(lambda text: text.encode("utf-8", "surrogatepass")),
    FORMS.map(encoded),
    FORMS.map(multipart),
    st.binary(max_size=60),
    st.just(b"a=1&" * 1001),
)
VALUES = st.one_of(TEXT, WORDS, NUMBERS.map(str), st.just("a" * 5000))
NAMES_OF_HEADERS = ["accept", "accept-language", "accept-encoding", "host", "origin", "referer", "range"]
NAMES_OF_HEADERS += ["if-modified-since", "if-none-match", "x-requested-with", "x-forwarded-host", "user-agent"]
NAMES_OF_HEADERS += ["x-http-method-override", "x-forwarded-proto", "content-length", "x-csrftoken"]
HEADERS = st.builds(
    lambda headers, identity: {**headers, **identity},
    st.dictionaries(st.sampled_from(NAMES_OF_HEADERS), VALUES, max_size=3),
    st.fixed_dictionaries(
        {},
        optional={
            "authorization": VALUES | st.builds("{} {}".format, st.sampled_from(["Bearer", "bearer", "Basic"]), VALUES),
            "cookie": VALUES | st.builds("sessionid={}; guest={}; csrftoken=x".format, TEXT, TEXT),
        },
    ),
)


class Asker:
    """Puts requests on the layer as an interface server does, which is not how Django's test client does it."""

    def __init__(self, layer, caplog, user=None):
        layer.router.check_default(http_consumer=ViewConsumer())
        self.layer, self.caplog = layer, caplog
        self.cookie = "sessionid=" + log_in(user) if user else ""
        self.count = 0
        self.last = None

    def ask(self, method, path, query, headers, content_type, body):
        """The status of the answer. What an interface server would not take is not asked for."""
        self.count += 1
        self.last = (method, path, query, headers, content_type, body)
        headers = {"host": "localhost", **headers, "content-type": content_type}
        if self.cookie and "cookie" not in headers:
            headers["cookie"] = self.cookie
        try:
            taken = clean(
                [(name.encode(), [value.encode("utf-8", "replace").strip()]) for name, value in headers.items()]
            )
        except BadRequest:
            return 400
        if CONTROL.search(path):
            return 400
        self.layer.send(
            "http.request",
            {
                "reply_channel": "daphne.response.asker!%d" % self.count,
                "http_version": "1.1",
                "method": method,
                "path": path,
                "query_string": query,
                "headers": taken,
                "body": body,
                "client": ["127.0.0.1", 1234],
                "server": ["127.0.0.1", 80],
                "scheme": "http",
                "root_path": "",
            },
        )
        work(self.layer)
        return self.answer()

    def answer(self):
        _, first = self.layer.receive(["daphne.response.asker!"])
        last = first
        while last.get("more_content"):
            _, last = self.layer.receive(["daphne.response.asker!"])
        # Django also tells of what it refuses, as an error.
        records = [record for record in self.caplog.records if not record.name.startswith("django.security")]
        raised = [record.exc_text for record in records if record.exc_info and record.levelname == "ERROR"]
        self.caplog.clear()
        assert not raised, "\n".join(raised)
        assert all(isinstance(value, bytes) and b"\n" not in value for _, value in first["headers"])
        return first["status"]


@pytest.fixture
def asker(layer, caplog):
    return Asker(layer, caplog)


@pytest.fixture
def root(layer, caplog, alice):
    """Somebody who may do everything."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return Asker(layer, caplog, alice)


def answers(asker, data, route):
    parts = [data.draw(NAMES) if part is None else part for part in route]
    path = "/" + "".join(parts).encode("utf-8", "replace").decode("utf-8")
    query = data.draw(QUERIES).encode("latin1", "replace")
    status = asker.ask(data.draw(METHODS), path, query, data.draw(HEADERS), data.draw(TYPES), data.draw(BODIES))
    assert status < 500 or (status == 503 and path.startswith(("/readyz", "/api/ingest"))), status


@pytest.fixture(autouse=True)
def unlimited(lobby, settings_override):
    settings_override(CHAT_RATE_LIMIT=0)
    record("garden.soil", 1.5)


@pytest.mark.parametrize("route", OURS, ids=written)
def test_no_request_is_an_error_of_ours(root, asker, route):
    @settings(max_examples=max(1, EXAMPLES // 4))
    @given(st.data())
    def ask(data):
        answers(data.draw(st.sampled_from([root, asker])), data, route)

    ask()


def test_no_request_for_the_admin_is_an_error_of_ours(root, asker):
    @given(st.data())
    def ask(data):
        answers(data.draw(st.sampled_from([root, root, asker])), data, data.draw(st.sampled_from(ADMIN)))

    ask()
