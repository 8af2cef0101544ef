"""The identity of the deployment that a database belongs to. Its row is made when it is first asked for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("relay", "0003_late_calls")]
    operations = [
        migrations.CreateModel(
            name="Deployment",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("identity", models.CharField(max_length=32)),
            ],
            options={"default_permissions": ()},
        ),
    ]
