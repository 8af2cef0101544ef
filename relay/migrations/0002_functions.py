"""Functions that wake nobody for a lane which has just lost its last message."""

from django.db import migrations

from relay.layers.database.schema import replace_functions


class Migration(migrations.Migration):
    dependencies = [("relay", "0001_channel_layer")]
    operations = [migrations.RunPython(replace_functions, migrations.RunPython.noop)]
