"""The identity of a deployment's database, and processes that claim their channel layer with it (L6)."""

import logging
import os
import shutil
import subprocess
import sys
import threading

import pytest
from django.db import DatabaseError, connections

from relay import deployment
from relay.deployment import claim, identity
from relay.exceptions import PrefixTaken
from tests.databases import ROOT, used
from tests.waiting import wait_until

#: Forks eight processes, which all ask at the same moment.
RACE = """
import os, project, django
django.setup()
from relay.deployment import identity
ready, go = os.pipe()
for _ in range(8):
    if os.fork() == 0:
        os.close(go)
        os.read(ready, 1)
        os.write(1, (identity() + os.linesep).encode())
        os._exit(0)
os.close(go)
for _ in range(8):
    assert os.wait()[1] == 0
"""


class Layer:
    """Notes what it is claimed with. living: what the processes say that live there."""

    claimable, extensions = True, ["leases"]

    def __init__(self, **living):
        self.claims, self.living = [], living

    def notes(self, kind):
        return {"name": self.living[kind]} if kind in self.living else {}

    def claim(self, identity):
        self.claims.append(identity)


def test_processes_that_ask_at_once_get_one_identity(database_url):
    """L6: the row is made by the first of them."""
    environment = {**os.environ, "DATABASE_URL": database_url}
    done = subprocess.run(
        [sys.executable, "-c", RACE], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = done.stdout.split()
    assert len(found) == 8
    assert len(set(found)) == 1
    with used(database_url):
        assert identity() == found[0]


def test_another_database_has_another_identity(sqlite_url, postgresql_url):
    """L6."""
    found = set()
    for url in (sqlite_url, postgresql_url):
        with used(url):
            found.add(identity())
    assert len(found) == 2
    assert all(len(one) == 32 for one in found)


def test_a_database_without_the_table_has_none(tmp_path):
    """L6: it is not migrated."""
    layer = Layer()
    with used("sqlite:///%s" % (tmp_path / "new.sqlite3")):
        assert identity() is None
        claim(layer)
    assert layer.claims == []


def test_a_project_without_a_database_has_none(sqlite_url, monkeypatch):
    """L6."""
    with used(sqlite_url):
        connections["default"].close()
        monkeypatch.setitem(connections["default"].settings_dict, "ENGINE", "django.db.backends.dummy")
        assert identity() is None


def test_a_layer_that_nobody_can_claim_costs_the_database_nothing(monkeypatch):
    """L6: a foreign one, or one in the database."""
    monkeypatch.setattr(deployment, "identity", lambda: pytest.fail("it was asked"))
    foreign, kept_in_database = Layer(), Layer()
    foreign.extensions, kept_in_database.claimable = [], False
    claim(foreign)
    claim(kept_in_database)


@pytest.mark.parametrize("kind", ["worker", "interface"])
def test_no_process_starts_beside_those_of_a_release_that_it_can_not_work_with(database, kind):
    """P1: before there were generations, processes did not say theirs."""
    layer = Layer(**{kind: {"host": "web-1", "pid": 7}})
    with pytest.raises(PrefixTaken, match=r"%s on web-1 \(pid 7\). Stop them" % kind):
        claim(layer)
    assert layer.claims == []


def test_no_process_of_the_release_before_starts_beside_ours(database):
    """P1: what they claim with is another claim."""
    layer = Layer(worker={"host": "web-1", "pid": 7, "generation": deployment.GENERATION})
    claim(layer)
    assert layer.claims == ["%s.%d" % (identity(), deployment.GENERATION)]
    assert layer.claims != [identity()]


def test_a_process_that_is_refused_does_not_start(database):
    """L6."""

    class Taken(Layer):
        def claim(self, identity):
            raise PrefixTaken("Another has it.")

    with pytest.raises(PrefixTaken, match="Another has it"):
        claim(Taken())


def test_a_process_starts_without_its_database_and_claims_its_layer_later(
    tmp_path, sqlite_template, monkeypatch, caplog
):
    """L6."""
    monkeypatch.setattr(deployment, "AGAIN", 0.05)
    layer, path = Layer(), tmp_path / "later" / "test.sqlite3"
    with used("sqlite:///%s" % path):
        with pytest.raises(DatabaseError):
            identity()
        with caplog.at_level(logging.INFO, "relay"):
            claim(layer)
        assert [record.levelname for record in caplog.records][:1] == ["WARNING"]
        assert "the prefix is checked later" in caplog.text
        assert layer.claims == []
        path.parent.mkdir()
        shutil.copy(sqlite_template, path.parent / "copy")
        (path.parent / "copy").rename(path)
        wait_until(lambda: layer.claims, "it is claimed")
        assert layer.claims == ["%s.%d" % (identity(), deployment.GENERATION)]
        wait_until(lambda: not any(isinstance(each, deployment.Claimant) for each in threading.enumerate()), "it ends")


def test_a_database_that_does_not_answer_holds_up_no_start(monkeypatch, caplog):
    """L6: that a server is gone without a word takes long to find out."""
    answer = threading.Event()
    monkeypatch.setattr(deployment, "PATIENCE", 0.1)
    monkeypatch.setattr(deployment, "identity", lambda: answer.wait(20) and "later")
    layer = Layer()
    claim(layer)
    assert "the prefix is checked later" in caplog.text
    answer.set()
    wait_until(lambda: layer.claims == ["later.%d" % deployment.GENERATION], "it is claimed")
