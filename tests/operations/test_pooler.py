"""PostgreSQL behind PgBouncer and TLS, as managed services offer it (P3)."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest

from tests.certificates import make_certificate
from tests.databases import ROOT
from tests.deploy.fronts import needs
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

pytestmark = [
    needs("pgbouncer", "pgbouncer"),
    pytest.mark.timeout(120 * FACTOR),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
]

SETTINGS = """
[databases]
* = host=%s user=postgres
[pgbouncer]
listen_addr = 127.0.0.1, 127.0.0.2
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
default_pool_size = %d
max_client_conn = 200
client_tls_sslmode = require
client_tls_cert_file = %s
client_tls_key_file = %s
"""
#: Who is asked for a certificate, and which one is believed.
VERIFIED = "?sslmode=verify-full&sslrootcert=%s"


@pytest.fixture
def pooled(postgres, postgresql_url, tmp_path):
    """A function that puts a pooler in this mode in front of the test's database; the URL that leads there by TLS."""
    started = []
    certificate = make_certificate(tmp_path)

    def start(mode):
        port = free_port()
        settings = tmp_path / "pgbouncer.ini"
        # In a transaction's time few sessions do for many clients.
        size = 3 if mode == "transaction" else 60
        settings.write_text(SETTINGS % (postgres.socket_dir, port, mode, size, *certificate))
        # It refuses to be root, and the server's socket is for the server's user.
        user = ["-u", Path(postgres.socket_dir).owner()] if os.getuid() == 0 else []
        command = ["pgbouncer", *user, str(settings)]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        name = postgresql_url.partition("@/")[2].partition("?")[0]
        url = "postgres://postgres@127.0.0.1:%d/%s" % (port, name) + VERIFIED % certificate.chain

        def answers():
            assert started[-1].poll() is None, "the pooler runs"
            try:
                psycopg2.connect(url).close()
            except psycopg2.OperationalError:
                return False
            return True

        wait_until(answers, "the pooler answers")
        return url

    yield start
    for process in started:
        process.terminate()
        process.wait()


def run(command, url):
    """A command of manage.py, when it has ended."""
    environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": ""}
    command = [sys.executable, "manage.py", command]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60 * FACTOR)


def test_a_worker_that_nobody_would_wake_does_not_start_and_names_the_remedy(pooled, database_url):
    ended = run("runworker", pooled("transaction"))
    assert ended.returncode == 1
    assert "(relay.E006)" in ended.stderr
    assert "Name PostgreSQL itself as direct_url" in ended.stderr


def test_nothing_is_told_to_a_server_with_the_certificate_of_another(pooled, database_url, tmp_path):
    url = pooled("session")
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    for wrong, says in (
        (url.partition("?")[0] + VERIFIED % other.chain, "certificate verify failed"),
        (url.replace("127.0.0.1", "127.0.0.2"), "server certificate for"),
    ):
        ended = run("migrate", wrong)
        assert ended.returncode == 1
        assert says in ended.stderr


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_people_chat_through_a_pooler(pooled, database, deployment, mode):
    """With sessions of their own for the transactions, processes need an address at which they are woken."""
    direct = {"DATABASE_DIRECT_URL": database} if mode == "transaction" else {}
    chat = deployment(DATABASE_URL=pooled(mode), REDIS_URL="", **direct).start_all(workers=2)
    texts = [str(n) for n in range(200)]
    with chat.socket() as ann, chat.socket() as ben:
        for text in texts:
            ann.send({"message": text, "client_id": "c" + text})
        for socket in (ann, ben):
            assert [socket.next("message")["message"] for _ in texts] == texts
    assert " ERROR " not in chat.logs()
