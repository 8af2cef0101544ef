"""
Workers for tests that kill them: real processes, which a parent forks when it is asked to, so that a new one is there
at once. Run as a program by `Nursery`.

Each is Channels' own worker on a layer of relay's, or relay's worker. Its consumer notes in a Redis list when it begins
and ends a message, whatever the layer.
"""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from typing import Any

import redis

from tests.databases import ROOT
from tests.layers import Meeting


class Nursery:
    """
    Starts and kills workers. `log_url`: of the Redis that takes their notes; `options`: of the layer; `seconds`: that
    the consumer takes for a message; `worker`: stock or relay.
    """

    def __init__(
        self, meeting: Meeting, log_url: str, options: dict[str, Any], seconds: float = 0.0, worker: str = "stock"
    ):
        self.log = "events-" + uuid.uuid4().hex
        self.client = redis.Redis.from_url(log_url)
        settings = json.dumps(
            {
                "url": log_url,
                "log": self.log,
                "seconds": seconds,
                "backend": meeting.backend,
                "options": {**meeting.options, **options},
                "worker": worker,
            }
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery", settings],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **meeting.environment, "DJANGO_SETTINGS_MODULE": "project.settings"},
        )
        self.pids: list[int] = []

    def spawn(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.pids.append(int(self.process.stdout.readline()))
        return self.pids[-1]

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.pids.remove(pid)

    def ask_to_stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGTERM)
        self.pids.remove(pid)

    def events(self, start: int = 0) -> list[tuple[str, str, int, int]]:
        """What happened: begin or end, lane, number, process."""
        found = [event.decode().split() for event in self.client.lrange(self.log, start, -1)]
        return [(kind, lane, int(number), int(pid)) for kind, lane, number, pid in found]

    def stop(self) -> None:
        for pid in list(self.pids):
            self.kill(pid)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def main() -> None:
    import django

    import project  # noqa: F401  # its shims come before Django

    django.setup()
    import channels.worker  # noqa: F401  # so that the children have it

    import relay.layers.database
    import relay.layers.redis
    import relay.worker  # noqa: F401

    settings = json.loads(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            work(settings)
        print(pid, flush=True)


def work(settings: dict[str, Any]) -> None:
    from channels.asgi import ChannelLayerWrapper
    from channels.routing import route
    from channels.worker import Worker
    from django.utils.module_loading import import_string

    from relay.worker import Worker as RelayWorker

    log = redis.Redis.from_url(settings["url"])

    def consumer(message: Any) -> None:
        event = "%s %d %d" % (message["lane"], message["n"], os.getpid())
        log.rpush(settings["log"], "begin " + event)
        time.sleep(message.get("seconds", settings["seconds"]))
        log.rpush(settings["log"], "end " + event)

    layer = import_string(settings["backend"])(**settings["options"])
    wrapper = ChannelLayerWrapper(layer, "default", [route("work", consumer)])
    if settings["worker"] == "stock":
        Worker(wrapper, signal_handlers=False).run()
    else:
        finished = RelayWorker(wrapper).run()
        layer.close()
        os._exit(0 if finished else 1)


if __name__ == "__main__":
    main()
