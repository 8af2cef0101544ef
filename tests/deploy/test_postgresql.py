"""PostgreSQL with the settings in deploy/postgresql."""

import psycopg2
import pytest

from tests.databases import used
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
