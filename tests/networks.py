"""
Hosts of one test's own, with a network between them that can be cut: Linux network namespaces, for which it takes root.

A namespace belongs to a thread, and a process starts in that of the thread that starts it: `Network.call`.
"""

import concurrent.futures
import ctypes
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

CLONE_NEWNET = 0x40000000

needs_namespaces = pytest.mark.skipif(
    not os.environ.get("CI") and (os.geteuid() != 0 or shutil.which("ip") is None),
    reason="network namespaces need root, and ip (apt-get install iproute2)",
)


class Network:
    """
    Hosts by their names, with addresses in 10.77.0.0/24, on one switch. Where nothing else is, nothing else is reached:
    two test runs may have the same addresses.
    """

    def __init__(self, *hosts: str):
        self.name = "parley-" + secrets.token_hex(3)
        self.hosts = hosts
        self.ip("netns", "add", self.namespace("switch"))
        self.on("switch", "link", "add", "br0", "type", "bridge")
        self.on("switch", "link", "set", "br0", "up")
        for number, host in enumerate(hosts, 1):
            self.ip("netns", "add", self.namespace(host))
            peer = ["peer", "name", "port%d" % number, "netns", self.namespace("switch")]
            self.on(host, "link", "add", "eth0", "type", "veth", *peer)
            self.on(host, "address", "add", self.address(host) + "/24", "dev", "eth0")
            self.on(host, "link", "set", "lo", "up")
            self.on(host, "link", "set", "eth0", "up")
            self.on("switch", "link", "set", "port%d" % number, "up")
            self.mend(host)

    def namespace(self, host: str) -> str:
        return "%s-%s" % (self.name, host)

    def address(self, host: str) -> str:
        return "10.77.0.%d" % (self.hosts.index(host) + 1)

    def port(self, host: str) -> str:
        return "port%d" % (self.hosts.index(host) + 1)

    @staticmethod
    def ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=20)

    def on(self, host: str, *arguments: str) -> None:
        self.ip("-n", self.namespace(host), *arguments)

    def cut(self, host: str) -> None:
        """Nothing comes from this host any more, or reaches it. Nobody is told: its packets vanish."""
        self.on("switch", "link", "set", self.port(host), "nomaster")

    def mend(self, host: str) -> None:
        self.on("switch", "link", "set", self.port(host), "master", "br0")

    def enter(self, host: str) -> None:
        """From now on, this thread is on that host."""
        with open(Path("/run/netns") / self.namespace(host)) as file:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns failed")

    def call(self, where: str, function: Callable[..., T], *args: Any, **options: Any) -> T:
        """Call a function on a host: what it connects to, listens on and starts is there."""
        with concurrent.futures.ThreadPoolExecutor(1, initializer=self.enter, initargs=(where,)) as pool:
            return pool.submit(function, *args, **options).result()

    def remove(self) -> None:
        for host in (*self.hosts, "switch"):
            subprocess.run(["ip", "netns", "delete", self.namespace(host)], capture_output=True, timeout=20)


@pytest.fixture
def network() -> Iterator[Callable[..., Network]]:
    """A function that makes a network of the hosts that are named."""
    assert shutil.which("ip"), "in CI ip must be there: .ci/run installs iproute2"
    made: list[Network] = []

    def make(*hosts: str) -> Network:
        made.append(Network(*hosts))
        return made[-1]

    yield make
    for one in made:
        one.remove()
