"""The tables and functions of the database layer: `relay/sql/<vendor>`, one thing a file."""

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent.parent / "sql"

#: In the order in which they need each other.
TABLES = (
    *("relay_message", "relay_lease", "relay_life", "relay_member", "relay_crowd", "relay_letter", "relay_count"),
    "relay_epoch",
)
FUNCTIONS = ("room", "ring", "repeated", "send", "acknowledge", "take", "group_add", "group_send")


DROP_FUNCTIONS = """
    DO $$ DECLARE found regprocedure; BEGIN
        FOR found IN SELECT oid::regprocedure FROM pg_proc WHERE proname = ANY (%s) LOOP
            EXECUTE 'DROP FUNCTION ' || found;
        END LOOP;
    END $$
"""


def install(apps: Any, schema_editor: Any) -> None:
    """Make all of it, in a migration."""
    folder = FOLDER / schema_editor.connection.vendor
    if not folder.exists():
        return
    for statement in statements((folder / "schema.sql").read_text(encoding="utf-8")):
        schema_editor.execute(statement)
    replace_functions(apps, schema_editor)


def replace_functions(apps: Any, schema_editor: Any) -> None:
    """Make the functions as they are now, in a migration for each release that has others."""
    if schema_editor.connection.vendor == "postgresql":
        for name in FUNCTIONS:
            schema_editor.execute((FOLDER / "postgresql" / (name + ".sql")).read_text(encoding="utf-8"))


def know_late_calls(apps: Any, schema_editor: Any) -> None:
    """Make what later releases have beyond `schema.sql`, in a migration."""
    vendor = schema_editor.connection.vendor
    if not (FOLDER / vendor).exists():
        return
    schema_editor.execute("ALTER TABLE relay_life ADD COLUMN late bigint NOT NULL DEFAULT 0")
    if vendor == "sqlite":
        schema_editor.execute(
            "CREATE TABLE relay_sender (name text PRIMARY KEY, call integer NOT NULL, answer text NOT NULL,"
            " at real NOT NULL) WITHOUT ROWID"
        )


def uninstall(apps: Any, schema_editor: Any) -> None:
    if not (FOLDER / schema_editor.connection.vendor).exists():
        return
    for name in (*TABLES, "relay_sender"):
        schema_editor.execute("DROP TABLE %s" % name)
    if schema_editor.connection.vendor == "postgresql":
        # Also those with the parameters of earlier releases, which stay for processes of these.
        schema_editor.execute(DROP_FUNCTIONS, [["relay_" + name for name in FUNCTIONS]])


def statements(text: str) -> list[str]:
    """The statements of a schema, which has no semicolon but at their ends."""
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [statement.strip() for statement in code.split(";") if statement.strip()]
