"""The recipe for a platform: what its build pack does, and that all recipes start what the Procfile starts."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.databases import ROOT
from tests.deploy.recipes import PYTHON, environment_file, recipe, unit_command, unit_environment
from tests.deployments import procfile

#: What is Python's own, the units' or the platform's.
NOT_OURS = {"PATH", "PYTHONUNBUFFERED", "DISABLE_COLLECTSTATIC", "PYTHON", "WEB_OPTIONS", "WORKER_OPTIONS"}
#: With these the Procfile's commands and the others must be the same, word for word.
GIVEN = {"BIND": "127.0.0.1", "PORT": "8001", "FORWARDED_ALLOW_IPS": "127.0.0.1,::1"}


def words(command, **given):
    """The words of a command as a shell would see them."""
    command = command.removeprefix("exec ").replace(PYTHON, "python").replace("%(process_num)d", "8001")
    script = 'for word in %s; do echo "$word"; done' % command.replace("exec ", "")
    done = subprocess.run(["sh", "-c", script], env={**GIVEN, **given}, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def compose():
    return YAML(typ="safe").load(recipe("docker/compose.yml"))["services"]


def commands_of(recipe_name):
    """The commands of a recipe, by the names that the Procfile has for them."""
    if recipe_name == "systemd":
        units = {"web": "parley-web@.service", "worker": "parley-worker@.service", "release": "parley-migrate.service"}
        return {name: unit_command(unit, "8001") for name, unit in units.items()}
    if recipe_name == "supervisor":
        found = re.findall(r"^command=(.+)$", recipe("supervisor/parley.conf").read_text(), re.MULTILINE)
        return dict(zip(("worker", "web"), found, strict=True))
    image = json.loads(re.search(r"^CMD (.+)$", recipe("docker/Dockerfile").read_text(), re.MULTILINE)[1])
    services = compose()
    own = {"worker": "worker", "release": "migrate"}
    return {"web": image[2], **{name: shlex.join(services[service]["command"]) for name, service in own.items()}}


@pytest.mark.parametrize("recipe_name", ["systemd", "supervisor", "docker"])
def test_every_recipe_starts_the_commands_of_the_procfile(recipe_name):
    for name, command in commands_of(recipe_name).items():
        assert words(command) == words(procfile()[name]), name


def platform_environment():
    """What app.json sets."""
    variables = json.loads(recipe("procfile/app.json").read_text())["env"]
    return {name: variable["value"] for name, variable in variables.items() if "value" in variable}


@pytest.mark.parametrize("allowed", [platform_environment()["FORWARDED_ALLOW_IPS"], "10.0.0.0/8, 10.1.0.1", "[a-z]*"])
@pytest.mark.parametrize("command", [procfile()["web"], commands_of("docker")["web"]])
def test_a_shell_takes_each_value_as_one_word(command, allowed):
    """D1: `*` became the names of all files."""
    found = words(command, FORWARDED_ALLOW_IPS=allowed)
    assert found[found.index("--forwarded-allow-ips") + 1 :] == [allowed, "project.asgi:channel_layer"]


def honcho(deployment):
    """How a foreman starts the web process."""
    # honcho gives the first process of a kind the port that it is told.
    return "honcho start web -p %d" % deployment.port


@pytest.mark.parametrize("command_of", [lambda _: procfile()["web"], lambda _: commands_of("docker")["web"], honcho])
@pytest.mark.parametrize("layer_kind", ["database"], indirect=True)
def test_the_web_process_starts_with_the_environment_of_the_platform(deployment, command_of, database_url):
    """D1: by the platform's shell, as in the image, and by honcho."""
    chat = deployment(ALLOWED_HOSTS="127.0.0.1", **platform_environment())
    chat.start(procfile()["release"]).wait()
    chat.processes.clear()
    chat.start_all(web=command_of(chat), workers=1)
    assert chat.get("/healthz")[0] == 200
    assert chat.socket().next("welcome")


def variables():
    """The variables that the recipes set."""
    for name in ("systemd/parley.env", "docker/parley.env"):
        yield from environment_file(recipe(name).read_text())
    for name in ("parley-web@.service", "parley-worker@.service"):
        yield from unit_environment(name)
    yield from json.loads(recipe("procfile/app.json").read_text())["env"]
    for line in re.findall(r"^ENV (.+)$", recipe("docker/Dockerfile").read_text(), re.MULTILINE):
        yield from (pair.partition("=")[0] for pair in line.split())
    for service in ("migrate", "worker", "web"):
        yield from compose()[service].get("environment", {})


def test_the_recipes_set_variables_that_are_known():
    known = set(environment_file(recipe(".env.example").read_text()))
    assert set(variables()) - NOT_OURS <= known


@pytest.mark.parametrize("name", ["systemd/parley.env", "docker/parley.env", "procfile/app.json"])
def test_a_recipe_asks_for_every_setting_that_a_deployment_needs(name):
    text = recipe(name).read_text()
    named = json.loads(text)["env"] if name.endswith(".json") else environment_file(text)
    table = README.partition("## Settings that a deployment needs")[2].partition("\n\nThen")[0]
    # Who may see the admin is not known to a recipe: check --deploy asks.
    needed = set(re.findall(r"^\| `([A-Z_]+)", table, re.MULTILINE)) - {"CHAT_ADMIN_NETWORKS"}
    assert len(needed) > 3
    assert needed <= set(named)


def test_ports_of_one_recipe_are_those_of_the_next():
    for name in ("nginx/parley.conf", "apache/parley.conf", "supervisor/parley.conf", "docker/compose.yml"):
        assert "8001" in recipe(name).read_text(), name


@pytest.fixture
def platform(tmp_path):
    """A checkout as it is pushed to a platform: the recipe's files lie in its root."""
    folder = tmp_path / "app"
    folder.mkdir()
    for name in ("requirements.txt", "Procfile"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "deploy", folder / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(recipe("procfile"), folder, dirs_exist_ok=True)
    return folder


@pytest.fixture
def build(platform, tmp_path):
    """A function that runs a hook, or another command, of a build as the platform does."""
    (tmp_path / ".config").mkdir()
    ours = Path.home() / ".config" / "pip"
    if ours.is_dir():
        # Where this machine finds packages.
        shutil.copytree(ours, tmp_path / ".config" / "pip")
    path = "%s/venv/bin:%s" % (tmp_path, os.environ["PATH"])
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": path}
    environment.pop("XDG_CONFIG_HOME", None)

    def run(*command):
        done = subprocess.run(command, cwd=platform, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_build_has_pip_take_nothing_that_is_not_named(build):
    build("bin/pre_compile")
    assert build(sys.executable, "-m", "pip", "config", "get", "install.no-deps").strip() == "true"


def test_the_build_fetches_the_frontend(build, tmp_path):
    """With a `python` that notes what it is asked."""
    noting = tmp_path / "venv" / "bin" / "python"
    noting.parent.mkdir(parents=True)
    noting.write_text('#!/bin/sh\necho "$@" >> %s/asked\n' % tmp_path)
    noting.chmod(0o755)
    build("bin/post_compile")
    assert (tmp_path / "asked").read_text() == "deploy/frontend.py\n"


@pytest.mark.timeout(600)
@pytest.mark.skipif(not os.environ.get("TESTS_BUILD"), reason="TESTS_BUILD is not set: it installs everything anew")
def test_a_build_as_a_platform_does_it_has_what_is_pinned(build, platform, tmp_path):
    """Though asgi-redis asks for another redis, and for an old name of msgpack."""
    venv.create(tmp_path / "venv", with_pip=True)
    build("bin/pre_compile")
    build("python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt")
    build("bin/post_compile")
    listed = dict(line.split()[:2] for line in build("python", "-m", "pip", "list").splitlines())
    assert "msgpack-python" not in listed
    pinned = dict(re.findall(r"^(redis|msgpack)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert {name: listed[name] for name in pinned} == pinned
    assert (platform / "var" / "frontend" / "uplot").is_dir()


def test_the_platform_has_a_python_that_we_support():
    version = recipe("procfile/.python-version").read_text().strip()
    supported = re.search(
        r"\((\d+), (\d+)\) <= sys.version_info\[:2\] <= \((\d+), (\d+)\)", (ROOT / "Makefile").read_text()
    )
    low, high = (int(supported[2]), int(supported[4]))
    assert low <= int(version.partition(".")[2]) <= high
    assert "python:%s-" % version in recipe("docker/Dockerfile").read_text()
    assert sys.version_info[0] == 3


README = recipe("README.md").read_text()


def test_the_readme_installs_files_that_are_there_and_enables_what_they_define():
    named = set(re.findall(r"\bdeploy/[\w./*@-]+", "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))))
    assert named
    for pattern in named:
        assert list(ROOT.glob(pattern)), pattern
    enabled = re.findall(
        r"\b(parley[\w-]*(?:@\w+|\.target))", README.partition("systemctl enable")[2].partition("```")[0]
    )
    assert {"parley.target", "parley-workers.target", "parley-web@8001", "parley-worker@1"} <= set(enabled)
    for unit in enabled:
        name = unit if unit.endswith(".target") else re.sub("@.*", "@.service", unit)
        assert recipe("systemd/" + name).exists(), unit
    instances = {unit.partition("@")[2] for unit in enabled if unit.startswith("parley-web@")}
    assert instances == set(re.findall(r"127\.0\.0\.1:(\d+)", recipe("nginx/parley.conf").read_text()))


def test_a_shell_takes_what_the_readme_has_it_do():
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + block


def test_the_readme_leads_to_every_recipe():
    folders = {path.name for path in recipe("").iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert {name for name in folders if "(%s" % name not in README} == set()
