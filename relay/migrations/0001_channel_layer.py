"""The tables of the database layer (relay.layers.database), on SQLite and PostgreSQL. On other databases nothing."""

from django.db import migrations

from relay.layers.database.schema import install, uninstall


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunPython(install, uninstall)]
