"""PostgreSQL with the settings in deploy/postgresql, backed up and restored as deploy/README.md says."""

import os
import re
import subprocess

import psycopg2
import pytest

from tests.databases import migrate, used
from tests.deploy.recipes import recipe
from tests.deploy.servers import PASSWORD
from tests.deployments import Deployment


def test_a_chat_runs_on_it_and_what_is_said_is_in_no_log(recipe_postgres, redis_url, redis_prefix, tmp_path):
    tables = recipe("postgresql/tables.sql").read_text()
    recipe_postgres.execute(tables, database="parley")
    folder = tmp_path / "deployment"
    folder.mkdir()
    chat = Deployment(folder, recipe_postgres.url, redis_url, redis_prefix)
    try:
        chat.start_all(workers=2)
        with chat.socket() as socket:
            socket.send({"message": "a secret", "client_id": "1"})
            assert socket.next("ack")["seq"] == 1
    finally:
        chat.stop()
    connection = psycopg2.connect(recipe_postgres.url)
    with pytest.raises(psycopg2.errors.UndefinedTable):
        connection.cursor().execute("SELECT * FROM nothing WHERE message = 'a secret'")
    connection.close()
    assert 'relation "nothing" does not exist' in recipe_postgres.log()
    assert "a secret" not in recipe_postgres.log()


def test_what_it_says_is_in_force(recipe_postgres):
    with used(recipe_postgres.url), psycopg2.connect(recipe_postgres.url) as connection, connection.cursor() as cursor:
        in_force = {}
        for name in ("synchronous_commit", "idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout"):
            cursor.execute("SHOW " + name)
            (in_force[name],) = cursor.fetchone()
    assert in_force == {
        "synchronous_commit": "on",
        "idle_in_transaction_session_timeout": "15s",
        "statement_timeout": "1min",
        "lock_timeout": "30s",
    }
    assert recipe_postgres.execute("SELECT error FROM pg_file_settings WHERE error IS NOT NULL") == []
    assert recipe_postgres.execute("SELECT error FROM pg_hba_file_rules WHERE error IS NOT NULL") == []


def test_only_its_own_role_gets_in_and_only_by_its_password(recipe_postgres):
    for user, password in (("parley", "wrong"), ("postgres", PASSWORD)):
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(host="127.0.0.1", port=recipe_postgres.port, user=user, password=password, dbname="parley")


def commands(heading: str) -> list[str]:
    """The lines of the shell block behind a bold word in the README."""
    block = re.search(r"\*\*%s\*?\*?.*?```sh\n(.*?)```" % heading, recipe("README.md").read_text(), re.DOTALL)
    assert block
    return block[1].splitlines()


def run_as_postgres(server, lines, folder) -> None:
    """Those of the lines that speak to PostgreSQL."""
    text = "\n".join(line for line in lines if line.startswith("runuser -u postgres -- "))
    # A restore ends in other commands.
    script = re.sub(r"&&\s*(#.*)?$", "", text.replace("runuser -u postgres -- ", ""))
    script = re.sub(r"/var/backups/parley/.+?\.dump", str(folder / "of-today.dump"), script)
    path = "%s:%s" % (server.server.bin_path, os.environ["PATH"])
    reached = {"PGHOST": server.sockets, "PGPORT": str(server.port), "PGUSER": "postgres", "PATH": path}
    done = subprocess.run(script, shell=True, env={**os.environ, **reached}, capture_output=True, text=True)
    assert done.returncode == 0, script + done.stderr


def test_a_backup_is_restored_though_a_newer_release_has_made_a_table(recipe_postgres, tmp_path):
    """It refers to one that is in the backup, which can't be dropped then."""
    server = recipe_postgres
    group = "INSERT INTO auth_group (name) VALUES ('%s')"
    server.execute(group % "kept", database="parley")
    run_as_postgres(server, commands("PostgreSQL is what matters"), tmp_path)
    server.execute("CREATE TABLE newer (group_id integer REFERENCES auth_group (id))", database="parley")
    server.execute("INSERT INTO newer SELECT id FROM auth_group", database="parley")
    server.execute(group % "later", database="parley")
    run_as_postgres(server, commands("Restore"), tmp_path)
    migrate(server.url)
    assert server.execute("SELECT name FROM auth_group", database="parley") == [("kept",)]
    assert server.execute("SELECT to_regclass('newer')", database="parley") == [(None,)]
    connection = psycopg2.connect(server.url)
    with connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM auth_group")
        assert cursor.rowcount == 1, "the role parley owns what was restored"
    connection.close()
    server.execute("DROP DATABASE parley_before")
