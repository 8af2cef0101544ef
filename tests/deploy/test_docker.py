"""The recipe for Docker: linted; built and run where an engine answers."""

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.databases import ROOT
from tests.deploy.recipes import recipe
from tests.deployments import ChatSocket
from tests.ports import free_port
from tests.waiting import wait_until

DOCKERFILE = recipe("docker/Dockerfile")
BIN = Path(sys.executable).parent


def test_the_linters_have_nothing_to_say():
    done = subprocess.run([BIN / "hadolint", DOCKERFILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", recipe("docker/compose.yml")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_has_what_is_run_and_nothing_else_can_get_in():
    """Every module of ours that a process imports; and the context holds nothing that is not copied."""
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert all((ROOT / source).exists() for source in sources)
    allowed = re.findall(r"^!(\S+)$", recipe("docker/Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert set(allowed) == sources
    assert {"relay", "chatapp", "examples", "project", "manage.py", "routing.py"} <= sources


def test_what_is_secret_is_in_files_that_git_ignores():
    services = YAML(typ="safe").load(recipe("docker/compose.yml"))["services"]
    assert {services[name]["env_file"] for name in ("migrate", "worker", "web")} == {"secrets/parley.env"}
    assert services["redis"]["volumes"][0].startswith("./secrets/redis.conf:")
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    # Where compose looks for POSTGRES_PASSWORD: beside its file.
    assert {"deploy/docker/.env", "deploy/docker/secrets/"} <= set(ignored)


def test_it_runs_with_what_the_image_has(tmp_path, sqlite_url):
    """The same files, without an engine: what is imported is there."""
    for source in ("relay", "chatapp", "examples", "project"):
        shutil.copytree(ROOT / source, tmp_path / "image" / source, ignore=shutil.ignore_patterns("__pycache__"))
    for source in ("manage.py", "routing.py"):
        shutil.copy(ROOT / source, tmp_path / "image")
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": sqlite_url, "SECRET_KEY": "a key for tests"}
    for command in (["manage.py", "check"], ["-m", "relay.daphne", "--help"], ["manage.py", "runworker", "--help"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path / "image", env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def engine():
    """Whether a Docker engine answers."""
    return shutil.which("docker") and not subprocess.run(["docker", "info"], capture_output=True, timeout=20).returncode


@pytest.mark.timeout(900)
def test_the_image_is_built_and_chats(sqlite_url):
    if not engine():
        pytest.skip("no Docker engine answers")
    name = "parley-test-" + uuid.uuid4().hex[:8]
    subprocess.run(["docker", "build", "-q", "-f", DOCKERFILE, "-t", name, ROOT], check=True)
    port = free_port()
    try:
        # One container, whose processes meet in SQLite.
        run = [
            "docker",
            "run",
            "-d",
            "--rm",
            "--name",
            name,
            "-p",
            "127.0.0.1:%d:8000" % port,
            "--tmpfs",
            "/data:mode=1777",
        ]
        run += [
            "-e",
            "DATABASE_URL=sqlite:////data/chat.sqlite3",
            "-e",
            "SECRET_KEY=x",
            "--read-only",
            name,
            "sh",
            "-c",
        ]
        web = json.loads(re.search(r"^CMD (.+)$", DOCKERFILE.read_text(), re.MULTILINE)[1])[2]
        subprocess.run([*run, "python manage.py migrate && (python manage.py runworker & %s)" % web], check=True)
        url = "ws://127.0.0.1:%d/chat/lobby/" % port

        def enter():
            try:
                return ChatSocket(url)
            except Exception:
                return None  # Its port is there before anybody listens.

        with wait_until(enter, "it listens", 60) as socket:
            socket.send({"message": "hi", "client_id": "1"})
            assert socket.next("ack")["seq"] == 1
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True)
        subprocess.run(["docker", "rmi", "-f", name], capture_output=True)
