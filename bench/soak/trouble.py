"""What befalls a deployment during a soak."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable

from bench.soak.stage import Process, Stage

#: Processes that are left alone in the second half of a soak: whoever would know whether memory grows needs time.
SPARED = ("web-1", "worker-1")


class Trouble:
    """Makes trouble of the `kinds`, by chance."""

    def __init__(self, stage: Stage, kinds: list[str], chance: random.Random, note: Callable[[str], None]):
        self.stage, self.chance, self.note = stage, chance, note
        self.kinds = kinds
        self.counts: Counter[str] = Counter()
        self.spare = False

    @staticmethod
    def all_kinds() -> list[str]:
        return list(KINDS)

    def possible(self) -> list[str]:
        """Those of the kinds that this deployment has what they are for."""
        absent = {"redis"} if self.stage.redis is None else set()
        absent |= {"postgres"} if self.stage.postgres is None else set()
        return [kind for kind in self.kinds if kind.partition("-")[0] not in absent]

    def run(self, until: float, every: float, stopped: threading.Event) -> None:
        """Make some about every so many seconds."""
        kinds = self.possible()
        while kinds and not stopped.wait(
            min(every * self.chance.uniform(0.5, 1.5), max(0.0, until - time.monotonic()))
        ):
            if time.monotonic() >= until:
                return
            kind = self.chance.choice(kinds)
            self.note(KINDS[kind](self))
            self.counts[kind] += 1

    def victim(self, kind: str) -> Process:
        some = [process for process in self.stage.processes if process.name.startswith(kind)]
        return self.chance.choice([each for each in some if not (self.spare and each.name in SPARED)] or some)

    def kill(self, kind: str) -> str:
        victim = self.victim(kind)
        victim.kill()
        return "%s killed" % victim.name

    def restart(self, kind: str) -> str:
        victim, began = self.victim(kind), time.monotonic()
        victim.restart()
        return "%s told to end, and replaced after %.1f s" % (victim.name, time.monotonic() - began)

    def kill_redis(self) -> str:
        assert self.stage.redis is not None
        self.stage.redis.kill(self.chance.uniform(0.2, 2))
        return "Redis killed, and started from its file"

    def freeze_redis(self) -> str:
        assert self.stage.redis is not None
        self.stage.redis.freeze()
        return "Redis frozen for 3 s"

    def restart_postgres(self) -> str:
        self.stage.restart_postgres(self.chance.uniform(0.2, 3))
        return "PostgreSQL killed, and recovered"


#: What `--kinds` may name.
KINDS: dict[str, Callable[[Trouble], str]] = {
    "worker-kill": lambda trouble: trouble.kill("worker"),
    "worker-restart": lambda trouble: trouble.restart("worker"),
    "web-kill": lambda trouble: trouble.kill("web"),
    "web-restart": lambda trouble: trouble.restart("web"),
    "redis-kill": Trouble.kill_redis,
    "redis-freeze": Trouble.freeze_redis,
    "postgres-kill": Trouble.restart_postgres,
}
