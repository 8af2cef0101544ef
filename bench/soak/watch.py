"""What a soak measures of its processes, and whether it grows."""

import statistics
import threading
import time
from typing import Any, NamedTuple

import psutil
import redis

from bench.soak.stage import Stage

MIB = 2**20
#: Seconds that a process takes until its memory is what it will be, and that a judgement needs at least.
WARM, LONG_ENOUGH = 120, 300
#: Growth over the time that is looked at which is none: the larger of a share of the mean and so much.
SHARE = 0.05
NONE = {"RSS": 4 * MIB, "memory": 4 * MIB, "keys": 100, "files": 10, "threads": 5}


class Sample(NamedTuple):
    when: float
    #: Of whom, which life, since when.
    name: str
    pid: int
    born: float
    what: str
    value: float


class Trend(NamedTuple):
    """How a figure went over the second half."""

    name: str
    what: str
    mean: float
    #: From the beginning to the end of that time, by a straight line through all.
    growth: float
    seconds: float

    @property
    def is_flat(self) -> bool:
        return self.growth <= max(NONE[self.what], SHARE * self.mean)


class Watch(threading.Thread):
    """Takes samples until it is stopped."""

    def __init__(self, stage: Stage, interval: float):
        super().__init__(name="watch", daemon=True)
        self.stage, self.interval = stage, interval
        self.samples: list[Sample] = []
        self.stopped = threading.Event()
        self.began = time.monotonic()

    def run(self) -> None:
        while not self.stopped.wait(self.interval):
            self.sample()

    def sample(self) -> None:
        now = time.monotonic()
        for process in self.stage.processes:
            pid, born = process.popen.pid, process.born
            try:
                seen = psutil.Process(pid)
                figures = {"RSS": seen.memory_info().rss, "files": seen.num_fds(), "threads": seen.num_threads()}
            except psutil.Error:
                continue
            self.samples += [Sample(now, process.name, pid, born, what, value) for what, value in figures.items()]
        if self.stage.redis is not None:
            try:
                client = redis.Redis.from_url(self.stage.redis.url, socket_timeout=2)
                figures = {"memory": client.info("memory")["used_memory"], "keys": client.dbsize()}
            except redis.RedisError:
                return
            self.samples += [Sample(now, "Redis", 0, self.began, what, value) for what, value in figures.items()]

    def trends(self) -> list[Trend]:
        """Of whoever lived through the second half. None, if that was too short to tell."""
        if not self.samples:
            return []
        end = self.samples[-1].when
        half = (self.began + end) / 2
        series: dict[tuple[str, int, str], list[Sample]] = {}
        for one in self.samples:
            if one.when >= max(half, one.born + WARM):
                series.setdefault((one.name, one.pid, one.what), []).append(one)
        found = [trend(some) for some in series.values() if some[0].born <= half and end - some[-1].when < 60]
        return [each for each in found if each is not None and each.seconds >= LONG_ENOUGH]

    def rows(self) -> list[dict[str, Any]]:
        return [{**one._asdict(), "when": one.when - self.began, "born": one.born - self.began} for one in self.samples]


def trend(some: list[Sample]) -> Trend | None:
    seconds = some[-1].when - some[0].when
    if len(some) < 10 or not seconds:
        return None
    slope, _ = statistics.linear_regression([one.when for one in some], [one.value for one in some])
    return Trend(some[0].name, some[0].what, statistics.fmean(one.value for one in some), slope * seconds, seconds)
