import django.db.models.deletion
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import migrations, models

from chatapp import names

BATCH = 200


def claim_names(apps, schema_editor):
    """Each account has the looks of its name, but for what another has already: the first that was made."""
    field = get_user_model().USERNAME_FIELD
    accounts = apps.get_model(settings.AUTH_USER_MODEL).objects.order_by("pk").values_list("pk", field)
    taken_name = apps.get_model("chatapp", "TakenName")
    after = 0
    while True:
        batch = list(accounts.filter(pk__gt=after)[:BATCH])
        if not batch:
            return
        for pk, name in batch:
            claim(taken_name, pk, name)
        after = batch[-1][0]


def claim(taken_name, pk, name):
    looks = names.looks(name)
    others = set(taken_name.objects.filter(look__in=looks).values_list("look", "user"))
    for look, other in sorted(others):
        print(
            "\n  The account %d (%s) looks like the account %d. Both keep their names and can log in; "
            "consider renaming one of them." % (pk, ascii(name), other),
            end="",
        )
    free = looks - {look for look, _ in others}
    taken_name.objects.bulk_create([taken_name(look=look, user_id=pk) for look in sorted(free)])


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('chatapp', '0005_room_quotas'),
    ]

    operations = [
        migrations.CreateModel(
            name='TakenName',
            fields=[
                ('look', models.CharField(max_length=300, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.RunPython(claim_names, migrations.RunPython.noop),
        # Rooms that are called alike but for case; Django 2.2 has no name for such an index.
        migrations.RunSQL(
            "CREATE INDEX rooms_by_small_letters ON chatapp_room (lower(slug))",
            "DROP INDEX rooms_by_small_letters",
        ),
    ]
