"""The recipe for supervisor, really started."""

import os
import re
import shutil
import subprocess
import sys

import psutil
import pytest

from tests.databases import ROOT
from tests.deploy.fronts import needs
from tests.deploy.recipes import HOME, adapted, recipe
from tests.deployments import ChatSocket
from tests.ports import free_port
from tests.waiting import wait_until

needs_supervisor = needs("supervisord", "supervisor")
#: Files that a process may open: more than supervisor's own 1,024.
FILES = 3000


class Supervisor:
    """supervisord with deploy/supervisor/parley.conf: one worker and one interface server."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.port = free_port()
        changes = {
            HOME + "/.venv/bin/python": sys.executable,
            "directory=" + HOME: "directory=%s" % ROOT,
            "user=parley\n": "",
            "numprocs=3\n": "numprocs=1\n",
            "numprocs=2\n": "numprocs=1\n",
            "numprocs_start=8001": "numprocs_start=%d" % self.port,
            # What this machine lets everybody have.
            "minfds=65536": "minfds=%d" % FILES,
            "/var/log/supervisor": str(folder),
        }
        # Debian's supervisord.conf, as far as it matters here.
        own = "[supervisord]\nnodaemon=true\nlogfile={0}/supervisord.log\npidfile={0}/pid\nchildlogdir={0}\n"
        own += "[unix_http_server]\nfile={0}/socket\n[supervisorctl]\nserverurl=unix://{0}/socket\n[rpcinterface:supervisor]\n"
        own += "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        own += "[include]\nfiles = {0}/conf.d/*.conf\n"
        self.configuration = folder / "supervisord.conf"
        self.configuration.write_text(own.format(folder))
        (folder / "conf.d").mkdir()
        (folder / "conf.d/parley.conf").write_text(adapted("supervisor/parley.conf", changes))
        # It is Debian's, with Debian's Python.
        self.program = [shutil.which("supervisord"), "-c", str(self.configuration)]
        # With as few files as systemd gives to whom it is told nothing about.
        started = ["prlimit", "--nofile=1024:", *self.program]
        self.process = subprocess.Popen(started, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)

    def control(self, *arguments):
        command = [shutil.which("supervisorctl"), "-c", str(self.configuration), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    def stop(self):
        self.process.terminate()
        assert self.process.wait(40) == 0


@pytest.fixture
def supervisor(tmp_path, sqlite_url, redis_url, redis_prefix):
    environment = {"DATABASE_URL": sqlite_url, "REDIS_URL": redis_url, "CHANNEL_PREFIX": redis_prefix}
    started = Supervisor(tmp_path, environment)
    yield started
    if started.process.poll() is None:
        started.stop()


@needs_supervisor
def test_it_starts_workers_first_restarts_what_dies_and_stops_in_good_order(supervisor):
    url = "ws://127.0.0.1:%d/chat/lobby/" % supervisor.port

    def enter():
        try:
            return ChatSocket(url)
        except OSError:
            return None

    with wait_until(enter, "it listens", 40) as socket:
        socket.send({"message": "hi", "client_id": "1"})
        assert socket.next("ack")["seq"] == 1
        started = re.findall(r"spawned: '(\d+)'", (supervisor.folder / "supervisord.log").read_text())
        assert started == ["1", str(supervisor.port)]
        web = psutil.Process(int(supervisor.control("pid", "parley-web:%d" % supervisor.port)))
        assert web.rlimit(psutil.RLIMIT_NOFILE)[0] >= FILES
        assert "stopped" in supervisor.control("restart", "parley-worker:1")
        socket.send({"message": "still here", "client_id": "2"})
        assert socket.next("ack")["seq"] == 2
        supervisor.stop()
        assert socket.until_closed() == 1012
        assert socket.seen[-1]["type"] == "reconnect"
    ended = re.findall(r"stopped: (\d+) \(exit status (\d+)\)", (supervisor.folder / "supervisord.log").read_text())
    assert ended[-2:] == [(str(supervisor.port), "0"), ("1", "0")]


@needs("systemd-analyze", "systemd")
def test_systemd_takes_what_is_put_beside_the_unit_of_supervisor(tmp_path):
    (tmp_path / "supervisor.service").write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / "supervisor.service.d").mkdir()
    shutil.copy(recipe("supervisor/systemd.conf"), tmp_path / "supervisor.service.d/parley.conf")
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": "%s:" % tmp_path}
    command = ["systemd-analyze", "verify", "--man=no", "supervisor.service"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert [line for line in done.stderr.splitlines() if "supervisor" in line] == []
