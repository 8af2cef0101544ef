"""nginx and Apache, really started with their recipes, in front of real interface servers."""

import http.client
import json
import re
import shutil
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.deploy.fronts import Apache, Nginx, needs_apache, needs_nginx
from tests.deploy.recipes import recipe
from tests.deploy.stacks import Stack
from tests.ports import free_port
from tests.waiting import wait_until

FRONTS = [pytest.param(Nginx, marks=needs_nginx), pytest.param(Apache, marks=needs_apache)]
SECRET = "0123456789secret"
README = recipe("README.md").read_text()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, sqlite_template, redis_url):
    """Two interface servers and a worker, for all tests here."""
    folder = tmp_path_factory.mktemp("stack")
    shutil.copy(sqlite_template, folder / "chat.sqlite3")
    url = "sqlite:///%s/chat.sqlite3" % folder
    settings = {"ALLOWED_HOSTS": "localhost,127.0.0.1", "CHAT_URL": "https://localhost"}
    made = Stack(folder, url, redis_url, "fronts-%d:" % free_port(), **settings)
    yield made.start_units(webs=2, workers=1)
    made.stop()


@pytest.fixture(scope="module", params=FRONTS)
def site(request, stack, tmp_path_factory):
    """Those, behind a front."""
    stack.front = request.param(tmp_path_factory.mktemp("front") / "front", list(stack.servers))
    yield stack
    stack.front.stop()
    stack.front = None


@pytest.fixture(scope="module")
def mirror():
    """A server in the place of an interface server, that answers with the headers that reached it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture(params=FRONTS)
def front(request, tmp_path):
    """A function that starts a front before servers on these ports."""
    made = []

    def start(*ports):
        made.append(request.param(tmp_path / "front", ports))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def test_two_people_chat_by_tls_and_the_page_knows_that_it_is(site):
    status, headers, _ = site.front.request("GET", "/chat/lobby/")
    assert status == 200
    assert "wss://127.0.0.1:%d" % site.front.port in headers["Content-Security-Policy"]
    with site.socket(origin=site.origin) as ann, site.socket() as ben:
        ann.next("welcome")
        ben.next("welcome")
        ann.send({"message": "hello", "client_id": "1"})
        assert ann.next("ack")["client_id"] == "1"
        assert ben.next("message")["message"] == "hello"


def test_pages_of_other_sites_open_no_sockets_here(site):
    """F1: also behind a proxy, which passes on Host."""
    with pytest.raises(InvalidStatus, match="403"):
        site.socket(origin="https://evil.example")


def test_plain_http_leads_to_tls_and_browsers_remember(site):
    connection = http.client.HTTPConnection("127.0.0.1", site.front.plain_port, timeout=10)
    connection.request("GET", "/chat/lobby/")
    response = connection.getresponse()
    assert (response.status, response.headers["Location"]) == (301, "https://chat.example.org/chat/lobby/")
    connection.close()
    _, headers, _ = site.front.request("GET", "/healthz")
    assert headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
    assert headers["Server"] in ("nginx", "Apache")


def test_who_gives_certificates_finds_what_certbot_has_written(site):
    """By plain HTTP, as all else is not."""
    folder = Path(site.front.webroot.name) / ".well-known/acme-challenge"
    folder.mkdir(parents=True)
    (folder / "token").write_text("an answer")
    connection = http.client.HTTPConnection("127.0.0.1", site.front.plain_port, timeout=10)
    connection.request("GET", "/.well-known/acme-challenge/token")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"an answer")
    connection.close()


@pytest.mark.parametrize(
    ("path", "headers", "body", "statuses"),
    [
        pytest.param("/api/rooms/lobby/messages", {}, b"x" * (1024 * 1024 + 1), {413}, id="a body over a megabyte"),
        pytest.param("/", {"Content-Type": "a/b;" + "x" * 300}, b"", {400}, id="a long Content-Type (E10)"),
        pytest.param("/", {"X-Large": "x" * 5000}, None, {400, 431}, id="a header line over 4 KB"),
        pytest.param("/metrics", {}, None, {404}, id="figures"),
        pytest.param("/readyz", {}, None, {404}, id="names of machines"),
    ],
)
def test_what_is_too_large_or_not_for_others_ends_at_the_front(site, path, headers, body, statuses):
    status, _, _ = site.front.request("GET" if body is None else "POST", path, headers, body)
    assert status in statuses


def test_a_client_does_not_choose_its_address(site):
    """D23. The interface server believes who is on this machine: the front, which says what it sees."""
    said = {
        "X-Forwarded-For": "198.51.100.7, 198.51.100.8",
        "Forwarded": "for=198.51.100.9",
        "X-Real-IP": "198.51.100.7",
    }
    assert site.front.request("GET", "/healthz?spoofed", said)[0] == 200
    with site.socket("/chat/spoofed/", additional_headers=said) as socket:
        socket.next("welcome")
    wait_until(lambda: "/chat/spoofed/" in site.logs(), "it is in the access log")
    assert "198.51.100." not in site.logs()


def test_only_the_front_says_what_a_front_says(front, mirror):
    """D24, CVE-2023-23969"""
    started = front(mirror)
    lies = "Daphne-Root-Path X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Prefix"
    lies += " X-Real-IP Forwarded Proxy"
    said = {**dict.fromkeys(lies.split(), "lie"), "X-Forwarded-Proto": "http", "Accept-Language": "en," * 100}
    status, _, answer = started.request("GET", "/", {**said, "Host": "localhost:%d" % started.port})
    assert status == 200
    heard = dict(json.loads(answer))
    assert "lie" not in heard.values()
    assert heard["x-forwarded-for"] == "127.0.0.1"
    assert heard["x-forwarded-proto"] == "https"
    assert heard["host"] == "localhost:%d" % started.port
    assert heard["accept-language"] == ("en," * 100)[:100]


def test_no_secret_is_in_a_log(site):
    """F2. Neither of those who get in, nor of those who don't."""
    secret = "/chat/lobby/?session_key=%s&token=%s&guest=%s" % (SECRET, SECRET, SECRET)
    site.front.request("GET", secret, {"Referer": "https://localhost" + secret, "Authorization": "Bearer " + SECRET})
    with site.socket(secret) as socket:
        socket.next("error")
    site.front.request("GET", secret, {"X-Large": "x" * 5000})
    site.front.request("POST", secret, {"Content-Type": "x" * 300}, b"x")
    wait_until(lambda: '"POST /chat/lobby/ HTTP/1.1" 400' in site.front.logs(), "they are in the access log")
    assert SECRET not in site.front.logs()
    assert SECRET not in site.logs()


def test_who_asks_while_nobody_is_there_is_told_so_without_a_word_in_the_log(front):
    started = front(free_port())
    status, _, page = started.request("GET", "/chat/lobby/?session_key=" + SECRET, {"Referer": "/?token=" + SECRET})
    assert status in (502, 503)
    assert "being restarted" in page
    if isinstance(started, Nginx):
        status, headers, answer = started.request("GET", "/api/notifications?token=" + SECRET)
        assert (status, json.loads(answer)["code"], headers["Retry-After"]) == (502, "unavailable", "5")
    wait_until(lambda: "GET /chat/lobby/" in started.logs(), "it is in the access log")
    assert SECRET not in started.logs()


def test_interface_servers_restart_one_after_the_other_and_nobody_is_turned_away(site):
    """Each socket is told when to come back; whoever asks in between is answered by the other server."""
    sockets = [site.socket() for _ in range(4)]
    for socket in sockets:
        socket.next("welcome")
    for port in list(site.servers):
        restarting = threading.Thread(target=site.restart_web, args=(port,))
        restarting.start()
        while restarting.is_alive():
            assert site.front.request("GET", "/healthz")[0] == 200
            with site.socket() as again:
                again.next("welcome")
            # Ten a second: more would be too many for nginx, and right so.
            restarting.join(0.1)
    for socket in sockets:
        socket.next("reconnect")
        assert socket.until_closed() == 1012


@needs_apache
def test_apache_holds_more_sockets_than_debian_lets_it(stack, tmp_path):
    """Each has a thread there, of which Debian has 150."""
    before, stack.front = stack.front, Apache(tmp_path / "front", list(stack.servers))
    sockets = []
    try:
        for _ in range(160):
            sockets.append(stack.socket("/chat/crowd/"))
        assert stack.front.request("GET", "/healthz")[0] == 200
        sockets[0].send({"message": "hello", "client_id": "1"})
        assert sockets[-1].next("message")["message"] == "hello"
    finally:
        for socket in sockets:
            socket.connection.close()
        stack.front.stop()
        stack.front = before


@needs_nginx
def test_nginx_of_debian_has_room_after_what_the_readme_does_to_it(tmp_path):
    """A socket takes two of its connections."""
    (program,) = re.findall(r"^sed -i '(.*worker_connections.*)' /etc/nginx/nginx.conf", README, re.MULTILINE)
    configuration = shutil.copy("/etc/nginx/nginx.conf", tmp_path)
    subprocess.run(["sed", "-i", program, configuration], check=True)
    found = dict(re.findall(r"^\s*(worker_\w+) (\d+);", Path(configuration).read_text(), re.MULTILINE))
    assert int(found["worker_rlimit_nofile"]) > int(found["worker_connections"]) == 40000


@needs_nginx
def test_passwords_are_tried_some_thirty_times_a_minute(mirror, tmp_path):
    started = Nginx(tmp_path / "front", [mirror])
    try:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        found = []
        # More than would be let in if each took half a second, as on a busy machine.
        while 429 not in found and len(found) < 60:
            found.append(started.request("POST", "/accounts/login/", form, b"x=1")[0])
        assert found[:20] == [200] * 20
        assert 429 in found
        assert started.request("GET", "/accounts/login/")[0] == 200
    finally:
        started.stop()


@needs_nginx
def test_static_files_are_there_while_interface_servers_are_not(stack, tmp_path):
    started = Nginx(tmp_path / "front", list(stack.servers))
    try:
        status, _, style = started.request("GET", "/static/chatapp/css/chat.css?anything")
        assert status == 200
        for process in stack.servers.values():
            process.send_signal(signal.SIGSTOP)
        assert started.request("GET", "/static/chatapp/css/chat.css")[2] == style
    finally:
        for process in stack.servers.values():
            process.send_signal(signal.SIGCONT)
        started.stop()
