"""Channels' own: 1.1.8 as it was published, and 4.3."""

import subprocess
import sys
import venv
from pathlib import Path

from bench.deployments import PEERS, SCRIPTS, Deployment, install_once
from deploy.up import ROOT


class OnPython(Deployment):
    """One application of bench/peers, in an environment of its own."""

    database = "sqlite"
    folder_of_peer = PEERS

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.python = str(self.folder_of_peer / "bin" / "python")

    @classmethod
    def install(cls, *arguments: str) -> str | None:
        """Make the environment with these arguments for pip, once. Returns why that can't be."""

        def run_pip() -> None:
            venv.create(cls.folder_of_peer, with_pip=True)
            pip = [str(cls.folder_of_peer / "bin" / "python"), "-m", "pip", "install", "-q"]
            command = [*pip, "--disable-pip-version-check", *arguments]
            subprocess.run(command, check=True, capture_output=True, text=True)

        return install_once(cls.folder_of_peer, " ".join(arguments), run_pip)


class Channels4(OnPython):
    """Channels 4.3 on two uvicorn processes, channels_redis' pub/sub layer. It saves the same row, then broadcasts."""

    name = "channels4"
    title = "Channels 4.3, pub/sub, 2 uvicorn"
    layer = "channels_redis.pubsub.RedisPubSubChannelLayer"
    folder_of_peer = PEERS / "channels4"
    #: What it needs beside Channels.
    wanted: tuple[str, ...] = ("channels_redis==4.3.*",)

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.environment["LAYER"] = self.layer

    @classmethod
    def absent(cls) -> str | None:
        wanted = ["channels==4.3.*", "daphne==4.2.*", "uvicorn[standard]==0.38.*", "psycopg[binary]", "django-environ"]
        return cls.install(*wanted, *cls.wanted)

    def start_all(self) -> None:
        subprocess.run([self.python, "channels4.py", "prepare"], check=True, cwd=SCRIPTS, env=self.environment)
        serve = ["-m", "uvicorn", "channels4:application", "--port", str(self.port), "--log-level", "warning"]
        serve += ["--ws-per-message-deflate", "False", "--lifespan", "off", "--workers", "2"]
        self.start(self.python, *serve, serves=True, cwd=SCRIPTS)


class Channels4OnPostgres(Channels4):
    """The same, storing in PostgreSQL."""

    name = "channels4-postgresql"
    title = "Channels 4.3, pub/sub, 2 uvicorn, PostgreSQL"
    database = "postgresql"


class Channels4Core(Channels4):
    """The same on SQLite, with channels_redis' core layer."""

    name = "channels4-core"
    title = "Channels 4.3, core layer, 2 uvicorn"
    layer = "channels_redis.core.RedisChannelLayer"


class Channels4Alone(Channels4OnPostgres):
    """The same storing in PostgreSQL, which carries the messages, too: channels_postgres."""

    name = "channels4-postgresql-alone"
    title = "Channels 4.3, channels_postgres, 2 uvicorn, PostgreSQL alone"
    layer = "channels_postgres.core.PostgresChannelLayer"
    folder_of_peer = PEERS / "channels4-postgres"
    wanted = ("channels_postgres==1.1.*", "psycopg[pool]")
    needs_redis = False


class Channels4Daphne(Channels4):
    """The same on SQLite, on one Daphne 4, which has no workers of its own."""

    name = "channels4-daphne"
    title = "Channels 4.3, pub/sub, Daphne 4"

    def start_all(self) -> None:
        subprocess.run([self.python, "channels4.py", "prepare"], check=True, cwd=SCRIPTS, env=self.environment)
        serve = ["-m", "daphne", "-p", str(self.port), "-v", "0", "channels4:application"]
        self.start(self.python, *serve, serves=True, cwd=SCRIPTS)


class Channels1(OnPython):
    """
    Channels 1.1.8 as it was published: Daphne 1.4, two stock workers, asgi_redis, SQLite. It saves the same row, then
    sends to the group. It uses our pins, except where it needs older versions: Django 2.2, asgiref 1, redis-py 2, and
    msgpack before 1, which is plain Python on 3.11.
    """

    name = "channels1"
    title = "Channels 1.1.8, asgi_redis, 2 workers"
    folder_of_peer = PEERS / "channels1"

    def __init__(self, folder: Path):
        super().__init__(folder)
        # The command of that name looks for the application where PYTHONPATH says.
        self.environment["PYTHONPATH"] = str(SCRIPTS)

    @classmethod
    def absent(cls) -> str | None:
        if sys.version_info >= (3, 12):
            return "it does not run on Python 3.12 or later"
        lines = (ROOT / "requirements.txt").read_text().splitlines()
        own = ("asgiref==1.1.2", "django==2.2.28", "msgpack==0.6.2", "pytz==2026.6", "redis==2.10.6")
        others = tuple(each.partition("==")[0] + "==" for each in own)
        ours = [line for line in lines if line and line[0] not in "# " and not line.startswith(others)]
        return cls.install("--no-deps", *(line.split("#")[0].strip() for line in ours), *own)

    def start_all(self) -> None:
        run = [self.python, "-c"]
        subprocess.run(
            [*run, "import channels1, rows; rows.make_table()"], check=True, cwd=SCRIPTS, env=self.environment
        )
        daphne = str(self.folder_of_peer / "bin" / "daphne")
        serve = ["-b", "127.0.0.1", "-p", str(self.port), "-v", "0", "channels1:channel_layer"]
        self.start(daphne, *serve, serves=True, cwd=SCRIPTS)
        for _ in range(2):
            self.start(*run, "import channels1; channels1.work()", cwd=SCRIPTS)
