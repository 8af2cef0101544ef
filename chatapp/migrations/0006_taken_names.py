from itertools import groupby

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import migrations, models

from chatapp import names

BATCH = 200
# As `LOOK` in chatapp/models/rooms.py.
LOOK = "replace(replace(replace(lower(slug), '0', 'o'), '1', 'l'), 'm', 'rn')"


def claim_names(apps, schema_editor):
    """Each account has the looks of its name, except those that an older account has."""
    field = get_user_model().USERNAME_FIELD
    accounts = apps.get_model(settings.AUTH_USER_MODEL).objects.order_by("pk").values_list("pk", field)
    taken_name = apps.get_model("chatapp", "TakenName")
    after = 0
    while True:
        batch = list(accounts.filter(pk__gt=after)[:BATCH])
        if not batch:
            return
        claim(taken_name, batch)
        after = batch[-1][0]


def claim(taken_name, batch):
    looks = {pk: sorted(names.looks(name)) for pk, name in batch}
    wanted = {look for some in looks.values() for look in some}
    owners = dict(taken_name.objects.filter(look__in=wanted).values_list("look", "user"))
    claimed = []
    for pk, name in batch:
        older = {owners[look] for look in looks[pk] if look in owners}
        for other in sorted(older):
            print(
                "\n  The account %d (%s) looks like the account %d. Both keep their names and can log in; "
                "consider renaming one of them." % (pk, ascii(name), other),
                end="",
            )
        free = [look for look in looks[pk] if look not in owners]
        owners.update(dict.fromkeys(free, pk))
        claimed += [taken_name(look=look, user_id=pk) for look in free]
    taken_name.objects.bulk_create(claimed)


def name_rooms(apps, schema_editor):
    """Rooms that look alike keep their names; those who run the service are told which they are."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s, slug FROM chatapp_room WHERE %s IN "
            "(SELECT %s FROM chatapp_room GROUP BY 1 HAVING count(*) > 1) ORDER BY 1, id" % (LOOK, LOOK, LOOK)
        )
        found = cursor.fetchall()
    for _, alike in groupby(found, lambda row: row[0]):
        first, *others = [slug for _, slug in alike]
        print(
            "\n  The names of the rooms %s look like that of the room %s. All keep their names, and each is found by its own."
            % (", ".join(others), first),
            end="",
        )


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
        # The expression must be the same as in `Room.nearest`.
        migrations.RunSQL(
            "CREATE INDEX rooms_by_look ON chatapp_room (%s)" % LOOK,
            "DROP INDEX rooms_by_look",
        ),
        migrations.RunPython(name_rooms, migrations.RunPython.noop),
    ]
