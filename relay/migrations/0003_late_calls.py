"""What a late call is known by: on SQLite senders too, and of each reader which of its takes were given up."""

from django.db import migrations

from relay.layers.database.schema import know_late_calls, replace_functions


class Migration(migrations.Migration):
    dependencies = [("relay", "0002_functions")]
    operations = [
        migrations.RunPython(know_late_calls, migrations.RunPython.noop),
        migrations.RunPython(replace_functions, migrations.RunPython.noop),
    ]
