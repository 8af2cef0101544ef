"""
Channels' own tests, on each of our layers. They are in no package, so they are asked for:

    git clone --branch 1.1.8 https://github.com/django/channels var/channels
    TESTS_CHANNELS=var/channels make test TESTS=tests/acceptance/test_channels_suite.py
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import ROOT

CHECKOUT = os.environ.get("TESTS_CHANNELS", "")
#: Channels' test settings are for Django 1.11. Current versions need these as well.
SETTINGS = """
import os

import environ
from tests.settings import *

DATABASES = {"default": environ.Env.db_url_config(os.environ["DATABASE_URL"])}
DATABASES["default"].update(ENGINE="relay.backends." + os.environ["BACKEND"], CONN_MAX_AGE=60)
DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"] + "_of_channels"}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
INSTALLED_APPS += ("relay",)
SILENCED_SYSTEM_CHECKS = ["admin.E%d" % number for number in (403, 406, 408, 409, 410)]
"""
PROGRAM = """
import functools, os, sys, unittest.mock
import relay
import django
from django.conf import settings

django.setup()
import django.test
from django.test import testcases
from django.test.utils import get_runner

# Django 1.11 had it there.
django.test.mock = unittest.mock
kind = os.environ["KIND"]
if kind in ("sqlite", "postgresql"):
    # Messages sent in a transaction can't be received before it is committed.
    testcases.TransactionTestCase.reset_sequences = True
    testcases.TestCase = django.test.TestCase = testcases.TransactionTestCase
import channels.test.base


@functools.cache
def own_layer():
    # The tests rely on the default capacity of asgiref's in-memory layer.
    if kind == "redis":
        from relay.layers.redis import RedisChannelLayer

        return RedisChannelLayer(hosts=[os.environ["REDIS_URL"]], prefix=os.environ["PREFIX"], capacity=10)
    from relay.layers.database import DatabaseChannelLayer

    return DatabaseChannelLayer(capacity=10)


def empty_layer():
    own_layer().flush()
    return own_layer()


if kind != "memory":
    channels.test.base.InMemoryChannelLayer = empty_layer
# keepdb: the layer is still connected to the database, which is deleted with its server.
sys.exit(bool(get_runner(settings)(keepdb=True).run_tests(["tests"])))
"""


@pytest.mark.skipif(not CHECKOUT, reason="TESTS_CHANNELS names no checkout of Channels 1.1.8")
@pytest.mark.parametrize("kind", ["memory", "redis", "sqlite", "postgresql"])
def test_channels_own_tests_pass(kind, tmp_path, request, redis_url, redis_prefix):
    backend = "postgresql" if kind == "postgresql" else "sqlite3"
    shutil.copytree(Path(ROOT, CHECKOUT, "tests"), tmp_path / "tests")
    (tmp_path / "settings_here.py").write_text(SETTINGS)
    (tmp_path / "run.py").write_text(PROGRAM)
    environment = {
        **os.environ,
        "DATABASE_URL": request.getfixturevalue("postgresql_url" if kind == "postgresql" else "sqlite_url"),
        "BACKEND": backend,
        "DJANGO_SETTINGS_MODULE": "settings_here",
        "KIND": kind,
        "PREFIX": redis_prefix,
        "PYTHONPATH": "%s%s%s" % (tmp_path, os.pathsep, ROOT),
        "REDIS_URL": redis_url,
    }
    ran = subprocess.run(
        [sys.executable, "run.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "Ran 100 tests" in ran.stderr
