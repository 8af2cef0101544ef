"""
A machine that boots: systemd as the first process of a container that sees this machine's files, and keeps to itself
what it writes (an overlay). The network is this machine's.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psutil

from tests.databases import ROOT
from tests.deploy.recipes import HOME, recipe
from tests.ports import free_port
from tests.waiting import wait_until

#: What the container brings up: nothing of this machine's but Parley.
WANTED = "parley.target"
CAP_SYS_ADMIN = 21
#: Where it has the Python of our virtual environment.
BASE = "/opt/python"


def why_not() -> str:
    """Why this machine can't boot one; empty if it can."""
    rights = re.search(r"^CapEff:\s*(\w+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if rights is None or not int(rights[1], 16) >> CAP_SYS_ADMIN & 1:
        return "only root can boot a container, and not in one that may not mount"
    if shutil.which("systemd-nspawn") is None and not os.environ.get("CI"):
        return "no systemd-nspawn on the PATH (apt-get install systemd-container)"
    if "overlay" not in Path("/proc/filesystems").read_text():
        return "the kernel has no overlayfs"
    return ""


class Machine:
    """With the recipe's units, two interface servers and two workers, and this in /etc/parley/env."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.name = "parley-%d" % free_port()
        self.ports = [free_port(), free_port()]
        self.folder = folder
        self.root = folder / "root"
        self.mount()
        self.install(environment)

    def mount(self) -> None:
        self.root.mkdir(parents=True)
        # An overlay can't be kept in an overlay, which a container's own files often are.
        run("mount", "-t", "tmpfs", "tmpfs", str(self.folder), "-o", "mode=755,size=256m")
        for name in ("root", "upper", "work"):
            (self.folder / name).mkdir()
        options = "lowerdir=/,upperdir=%s/upper,workdir=%s/work" % (self.folder, self.folder)
        run("mount", "-t", "overlay", "overlay", "-o", options, str(self.root))

    def install(self, environment: dict[str, str]) -> None:
        """What deploy/README.md says, for a checkout that is elsewhere."""
        units = self.root / "etc/systemd/system"
        shutil.rmtree(units)
        units.mkdir()
        for path in recipe("systemd").glob("parley*.[st]*"):
            shutil.copy(path, units)
        for name in ("parley-manage", "parley-restart"):
            shutil.copy(recipe("systemd/" + name), self.root / "usr/local/sbin")
        # Not this machine's; and without one systemd would take this for the first boot, and enable what it likes.
        (self.root / "etc/machine-id").write_text(uuid.uuid4().hex + "\n")
        self.copy_checkout(self.root / HOME.lstrip("/"))
        (self.root / "etc/parley").mkdir()
        # A Python that was moved looks for its library where it was built for.
        where = {"LD_LIBRARY_PATH": BASE + "/lib"}
        text = "".join("%s=%s\n" % pair for pair in {**environment, **where}.items())
        (self.root / "etc/parley/env").write_text(text)
        (self.root / "etc/parley/env").chmod(0o600)
        shutil.copy(recipe("systemd/sysusers.conf"), self.root / "usr/lib/sysusers.d/parley.conf")
        run("systemd-sysusers", "--root=%s" % self.root, "parley.conf")
        run("systemctl", "--root=%s" % self.root, "enable", WANTED, "parley-workers.target", *self.services())

    def copy_checkout(self, home: Path) -> None:
        """What is run, at its place: the units may not look into anybody's home, where ours may be."""
        for name in ("relay", "chatapp", "project", "examples", "deploy"):
            shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("manage.py", "routing.py"):
            shutil.copy(ROOT / name, home)
        # Our virtual environment, over the same Python at another place. `boot` brings its packages, and that.
        (home / ".venv/bin").mkdir(parents=True)
        (home / ".venv/pyvenv.cfg").write_text("home = %s/bin\n" % BASE)
        (home / ".venv/bin/python").symlink_to("%s/bin/python%d.%d" % (BASE, *sys.version_info[:2]))

    def services(self) -> list[str]:
        webs = ["parley-web@%d.service" % port for port in self.ports]
        return [*webs, "parley-worker@1.service", "parley-worker@2.service"]

    def boot(self) -> None:
        command = ["systemd-nspawn", "--directory=%s" % self.root, "--machine=" + self.name, "--register=no"]
        command += ["--bind-ro=%s/lib:%s/.venv/lib" % (sys.prefix, HOME), "--bind-ro=%s:%s" % (sys.base_prefix, BASE)]
        command += ["--keep-unit", "--link-journal=no", "--console=pipe", "--boot", "--", "systemd.unit=" + WANTED]
        with open(self.folder.parent / "boot.log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self.is_up, "all units are active", 60)
        except AssertionError as e:
            raise AssertionError("%s\n%s" % (e, self.journal())) from None

    def is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder.parent / "boot.log").read_text()
        return bool(self.first()) and self.states() == {"active"}

    def first(self) -> int:
        """systemd's own process, as it is numbered outside."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        return children[0].pid if children else 0

    def enter(self, *command: str) -> list[str]:
        """What runs this as root of the machine."""
        spaces = ["--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root"]
        return ["nsenter", "--target", str(self.first()), *spaces, *command]

    def inside(self, *command: str, check: bool = True) -> str:
        done = self.run(*command)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout.strip()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "env": {**os.environ, **environment}, "timeout": 150}
        return subprocess.run(self.enter(*command), capture_output=True, text=True, **options)

    def manage(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """parley-manage, which needs the bus that any machine has."""
        self.control("start", "dbus.socket")
        return self.run("/usr/local/sbin/parley-manage", *arguments, **environment)

    def control(self, *arguments: str) -> str:
        return self.inside("systemctl", "--no-pager", *arguments)

    def show(self, unit: str, name: str) -> str:
        return self.inside("systemctl", "show", "--value", "--property=" + name, unit, check=False)

    def pid_of(self, unit: str) -> int:
        return int(self.show(unit, "MainPID") or 0)

    def status_of(self, unit: str) -> dict[str, str]:
        """What the kernel says of a unit's process."""
        lines = self.inside("cat", "/proc/%d/status" % self.pid_of(unit)).splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def results(self) -> dict[str, str]:
        return {unit: self.show(unit, "Result") for unit in self.services()}

    def states(self) -> set[str]:
        return {self.show(unit, "ActiveState") for unit in self.services()}

    def journal(self) -> str:
        return self.inside("journalctl", "--no-pager", "--output=short-monotonic", check=False)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        run("umount", str(self.root))
        run("umount", str(self.folder))


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
