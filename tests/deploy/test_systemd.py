"""
The systemd units and the commands beside them: that systemd takes them, what they may, and, where that can be had, a
machine that boots them.
"""

import os
import pty
import re
import resource
import shutil
import subprocess
import threading

import pytest
from websockets.exceptions import WebSocketException

from tests.deploy.fronts import needs
from tests.deploy.machines import Machine, why_not
from tests.deploy.recipes import HOME, PYTHON, adapted, directives, recipe
from tests.deployments import ChatSocket
from tests.ports import free_port
from tests.waiting import wait_until

SERVICES = ["parley-web@.service", "parley-worker@.service", "parley-migrate.service"]
#: What `systemd-analyze security` may find at most: 10 is a service that may do anything.
EXPOSURE = 1.5

needs_analyze = needs("systemd-analyze", "systemd")


@pytest.fixture
def units(tmp_path):
    """The units with a Python that is there, enabled."""
    for path in recipe("systemd").glob("parley*.[st]*"):
        (tmp_path / path.name).write_text(path.read_text().replace(PYTHON, "/bin/true"))
    for target, wanted in (
        ("parley.target", ["parley-web@8001.service", "parley-web@8002.service", "parley-workers.target"]),
        ("parley-workers.target", ["parley-worker@1.service", "parley-worker@2.service"]),
    ):
        (tmp_path / (target + ".wants")).mkdir()
        for name in wanted:
            (tmp_path / (target + ".wants") / name).symlink_to("../" + re.sub("@.*[.]", "@.", name))
    return tmp_path


@needs_analyze
def test_systemd_takes_the_units_and_their_order(units):
    """A circle of units is broken somewhere, and what is there is not started."""
    command = ["systemd-analyze", "verify", "--man=no", "parley.target"]
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": "%s:" % units}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    # The machine's own units are not ours to judge.
    assert [line for line in done.stderr.splitlines() if "parley" in line or "cycle" in line] == []


@needs_analyze
@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_may_do_little_else_than_its_work(units, name):
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=%d" % (EXPOSURE * 10)]
    instance = units / name.replace("@.", "@8001.")
    instance.write_text((units / name).read_text())
    done = subprocess.run([*command, str(instance)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert re.search(r"Overall exposure level .*: [01]\.\d", done.stdout)


def test_all_units_are_in_the_same_sandbox_and_get_the_time_that_they_need():
    sandboxes = {
        recipe("systemd/" + name).read_text().partition("# It reads the checkout")[2].partition("\n\n")[0].strip()
        for name in SERVICES
    }
    assert len(sandboxes) == 1
    drain = int(re.search(r"^RELAY_DRAIN_TIMEOUT=(\d+)$", recipe(".env.example").read_text(), re.MULTILINE)[1])
    for name in SERVICES[:2]:
        assert int(directives(name)["TimeoutStopSec"][0]) > drain


@pytest.mark.parametrize("name", ["parley-manage", "parley-restart"])
def test_a_shell_takes_the_commands(name):
    done = subprocess.run(["sh", "-n", recipe("systemd/" + name)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def machines(tmp_path):
    """A function that makes a machine with the units, as deploy/README.md installs them, and these variables."""
    if reason := why_not():
        pytest.skip(reason)
    made = []

    def make(**environment):
        own = {"SECRET_KEY": "a key for tests", "ALLOWED_HOSTS": "localhost,127.0.0.1", "PYTHONUNBUFFERED": "1"}
        made.append(Machine(tmp_path / ("machine-%d" % len(made)), {**own, **environment}))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def machine(machines, recipe_redis, recipe_postgres):
    # The tests here share it.
    recipe_postgres.empty()
    return machines(DATABASE_URL=recipe_postgres.url, REDIS_URL=recipe_redis().url)


def test_a_machine_boots_them_restarts_what_dies_and_stops_in_good_order(machine):
    """systemd itself, as the first process of a container, with the units in force as they are."""
    machine.boot()
    sockets = [socket_at(port) for port in machine.ports]
    sockets[0].send({"message": "hello", "client_id": "1"})
    assert sockets[0].next("ack")["seq"] == 1
    assert sockets[1].next("message")["message"] == "hello"
    for unit in machine.services():
        status = machine.status_of(unit)
        # In its sandbox: no new rights, no capabilities, a filter on system calls; and not root.
        assert (status["NoNewPrivs"], status["CapEff"].strip("0"), status["Seccomp"]) == ("1", "", "2")
        assert status["Uid"].split()[0] != "0"
    before = machine.pid_of("parley-worker@1.service")
    machine.control("kill", "--signal=KILL", "parley-worker@1.service")
    wait_until(lambda: machine.pid_of("parley-worker@1.service") not in (0, before), "it is started again")
    sockets[0].send({"message": "still", "client_id": "2"})
    assert sockets[0].next("ack")["seq"] == 2
    machine.control("restart", "parley-worker@2.service")
    machine.control("restart", "parley-web@%d.service" % machine.ports[0])
    assert [frame["type"] for frame in sockets[0].seen if frame["type"] == "reconnect"] or sockets[0].next("reconnect")
    with socket_at(machine.ports[0]) as again:
        again.next("welcome")
    machine.control("stop", "parley.target")
    assert sockets[1].next("reconnect")
    wait_until(lambda: machine.states() == {"inactive"}, "all have stopped", 40)
    assert set(machine.results().values()) == {"success"}
    # Whatever an interface server has passed on, there are still workers to handle it.
    ended = ["web", "web", "worker", "worker"]
    wait_until(lambda: re.findall(r"Stopped parley-(web|worker)@", machine.journal())[-4:] == ended, "in this order")


def test_what_is_typed_on_a_machine_meets_the_database_of_the_services(machine):
    machine.boot()
    with socket_at(machine.ports[0]) as socket:
        socket.next("welcome")
        said = machine.manage("say", "lobby", "from a shell")
        assert re.match(r"Said in lobby as message \d+\. The channel layer is ", said.stdout), said.stderr
        assert socket.next("message")["message"] == "from a shell"
    assert machine.manage("deadletters", "show", "nothing").returncode != 0
    asked = "from django.db import connection as c; c.ensure_connection()"
    asked += "; print(c.connection.get_parameter_status('application_name'))"
    shown = machine.manage("shell", "-v0", "-c", asked, PGOPTIONS="-c application_name=typed")
    assert shown.stdout == "typed\n", shown.stderr
    # With a terminal it asks what it has to know.
    answers = {"Username": "ann", "Email": "", "Password:": "a pass phrase", "(again)": "a pass phrase"}
    command = machine.enter("/usr/local/sbin/parley-manage", "createsuperuser")
    assert "Superuser created" in conversation(command, answers)


def test_one_process_may_have_what_others_have_not(machine):
    machine.boot()
    (machine.root / "etc/parley/worker-3.env").write_text("WORKER_OPTIONS=--only-channels notifications-out\n")
    (machine.root / "etc/parley/worker-4.env").write_text("SECRET_KEY=\n")
    machine.control("start", "parley-worker@3", "parley-worker@4")
    command = machine.inside("cat", "/proc/%d/cmdline" % machine.pid_of("parley-worker@3.service")).rstrip("\0")
    assert command.split("\0")[-3:] == ["runworker", "--only-channels", "notifications-out"]
    # It may not write down a key of its own.
    reason = "SECRET_KEY is not set, and none can be kept in %s/var/secret_key" % HOME
    wait_until(lambda: reason in machine.journal(), "the journal says why", 40)


def conversation(command, answers):
    """What is said at a terminal on which each prompt gets its answer."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, start_new_session=True)
    os.close(end)
    said = ""
    try:
        for prompt, answer in answers.items():
            while prompt not in said:
                said += os.read(terminal, 4096).decode()
            os.write(terminal, answer.encode() + b"\n")
        while part := os.read(terminal, 4096).decode():
            said += part
    except OSError:
        pass  # The other end is closed.
    finally:
        os.close(terminal)
    assert process.wait(20) == 0, said
    return said


def test_a_machine_is_upgraded_process_by_process_and_not_at_all_if_the_migration_fails(machine):
    machine.boot()
    visitors = [Visitor(machine.ports) for _ in range(4)]
    before = {unit: machine.pid_of(unit) for unit in machine.services()}
    broken = break_migration(machine.root / HOME.lstrip("/") / "chatapp/migrations")
    try:
        done = machine.run("/usr/local/sbin/parley-restart")
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1].startswith("The migration failed: ")
        assert {unit: machine.pid_of(unit) for unit in machine.services()} == before
        assert machine.show("parley-migrate.service", "ActiveState") in ("inactive", "failed")
        broken.unlink()
        done = machine.run("/usr/local/sbin/parley-restart")
        assert (done.returncode, done.stderr) == (0, "")
        # Workers first; and each interface server when those who left the one before are in again.
        workers, webs = sorted(machine.services()[2:]), sorted(machine.services()[:2])
        assert done.stdout.splitlines() == [*workers, *webs]
        after = {unit: machine.pid_of(unit) for unit in machine.services()}
        assert not set(after.values()) & {0, *before.values()}
        # The script is content with nine tenths of the sockets.
        wait_until(lambda: all(visitor.is_in() for visitor in visitors), "they are in again")
        assert sum(visitor.times for visitor in visitors) > len(visitors)
    finally:
        for visitor in visitors:
            visitor.leave()


def break_migration(folder):
    last = max(path.stem for path in folder.glob("0*.py"))
    text = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
    text += "    dependencies = [('chatapp', '%s')]\n    operations = [migrations.RunSQL('SELECT nonsense')]\n" % last
    (folder / "9999_broken.py").write_text(text)
    return folder / "9999_broken.py"


class Visitor(threading.Thread):
    """Whoever comes back, wherever somebody listens, when an interface server goes away: as the page does."""

    def __init__(self, ports):
        super().__init__(daemon=True)
        self.ports, self.times, self.leaving = ports, 0, False
        self.socket = None
        self.start()
        wait_until(self.is_in, "it is in")

    def run(self):
        while not self.leaving:
            for port in self.ports:
                try:
                    self.socket = ChatSocket("ws://127.0.0.1:%d/chat/lobby/" % port)
                    self.socket.next("welcome")
                    self.times += 1
                    self.socket.until_closed()
                except (OSError, WebSocketException, AssertionError):
                    pass  # Somebody else is asked.

    def is_in(self):
        return self.times and self.socket.connection.state.name == "OPEN"

    def leave(self):
        self.leaving = True
        if self.socket:
            self.socket.connection.close()


def test_a_machine_needs_no_other_database_than_sqlite(machines):
    """In the one folder to which the sandbox lets it write."""
    machine = machines(DATABASE_URL="sqlite:////var/lib/parley/parley.sqlite3")
    machine.boot()
    with socket_at(machine.ports[0]) as ann, socket_at(machine.ports[1]) as ben:
        ben.next("welcome")
        ann.send({"message": "hello", "client_id": "1"})
        assert ann.next("ack")["seq"] == 1
        assert ben.next("message")["message"] == "hello"
        assert machine.manage("say", "lobby", "me too").returncode == 0
        assert ben.next("message")["message"] == "me too"
    shown = machine.inside("stat", "--format=%U %a", "/var/lib/parley", "/var/lib/parley/parley.sqlite3")
    assert shown.splitlines() == ["parley 700", "parley 600"]


@needs("supervisord", "supervisor")
def test_supervisor_as_debian_starts_it_gives_its_processes_the_settings_and_files(machine):
    """Debian's own unit, with the recipe for supervisor in the place of the units."""
    machine.boot()
    machine.control("stop", "parley.target")
    beside = machine.root / "etc/systemd/system/supervisor.service.d"
    beside.mkdir()
    shutil.copy(recipe("supervisor/systemd.conf"), beside / "parley.conf")
    port = free_port()
    # As many files as are asked for, if this machine lets a container have them.
    files = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    changes = {"numprocs_start=8001": "numprocs_start=%d" % port, "numprocs=2": "numprocs=1"}
    changes["minfds=65536"] = "minfds=%d" % files
    (machine.root / "etc/supervisor/conf.d/parley.conf").write_text(adapted("supervisor/parley.conf", changes))
    machine.control("daemon-reload")
    machine.control("start", "supervisor")
    with socket_at(port) as socket:
        socket.next("welcome")
        # It is in the database of the settings, into which the others look.
        assert machine.manage("say", "lobby", "from a shell").returncode == 0
        assert socket.next("message")["message"] == "from a shell"
        pid = machine.inside("supervisorctl", "pid", "parley-web:%d" % port)
        limits = machine.inside("cat", "/proc/%s/limits" % pid)
        assert int(re.search(r"^Max open files\s+(\d+)", limits, re.MULTILINE)[1]) >= files
        assert "\nUid:\t0" not in machine.inside("cat", "/proc/%s/status" % pid)
        machine.control("stop", "supervisor")
        assert socket.next("reconnect")


def socket_at(port):
    def enter():
        try:
            return ChatSocket("ws://127.0.0.1:%d/chat/lobby/?since=0" % port)
        except OSError:
            return None

    return wait_until(enter, "it listens", 60)


@needs_analyze
def test_an_unguarded_unit_would_be_found(tmp_path):
    (tmp_path / "bare.service").write_text("[Service]\nExecStart=/bin/true\n")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=%d" % (EXPOSURE * 10)]
    assert subprocess.run([*command, str(tmp_path / "bare.service")], capture_output=True).returncode == 1
