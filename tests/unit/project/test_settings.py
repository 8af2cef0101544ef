import os
import re
import subprocess
import sys

import pytest

from tests.databases import ROOT


def names_read(path):
    return set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', (ROOT / path).read_text()))


def test_the_example_names_every_variable_that_is_read():
    example = (ROOT / "deploy" / ".env.example").read_text()
    documented = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    procfile = set(re.findall(r"\$\{?([A-Z_]+)", (ROOT / "Procfile").read_text()))
    assert documented == names_read("project/settings.py") | procfile


def test_the_environment_is_read_in_the_settings_only():
    for package in ("relay", "chatapp", "project"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name not in ("settings.py", "asgi.py"):
                assert "os.environ" not in path.read_text(), path


def setting(name, **environment):
    program = "import project; from django.conf import settings; print(settings.%s)" % name
    clean = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "project.settings", "SECRET_KEY": "x", **environment}
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=clean, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("environment", "backend"),
    [
        ({}, "relay.layers.inmemory.ChannelLayer"),
        ({"REDIS_URL": "redis://x:1/0"}, "relay.layers.redis.RedisChannelLayer"),
    ],
)
def test_the_layer_is_redis_where_there_is_one_and_memory_where_not(environment, backend):
    assert setting("CHANNEL_LAYERS['default']['BACKEND']", **environment).stdout.strip() == backend


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("postgres://u:p@host:5432/name", "relay.backends.postgresql"),
        ("postgresql://u:p@host/name", "relay.backends.postgresql"),
        ("sqlite:////tmp/x.sqlite3", "relay.backends.sqlite3"),
    ],
)
def test_databases_get_our_backends(url, engine):
    assert setting("DATABASES['default']['ENGINE']", DATABASE_URL=url).stdout.strip() == engine


def test_another_database_is_refused_by_the_name_of_the_setting():
    assert "DATABASE_URL must begin with" in setting("DEBUG", DATABASE_URL="mysql://u:p@host/name").stderr


def test_debug_is_off_unless_asked_for():
    assert setting("DEBUG").stdout.strip() == "False"
