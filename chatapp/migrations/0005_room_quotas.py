from django.conf import settings
from django.db import migrations, models
import django.db.models.expressions


def mark_empty_rooms(apps, schema_editor):
    """Rooms that anybody brings back by entering them, and in which nothing is, may go."""
    if settings.CHAT_OPEN_ROOMS:
        rooms = apps.get_model('chatapp', 'Room').objects.filter(head=0, title='', followed=False)
        rooms.exclude(slug='canary').update(maker='guests')


class Migration(migrations.Migration):

    dependencies = [
        ('chatapp', '0004_idempotency_keys'),
    ]

    operations = [
        migrations.AddField(
            model_name='room',
            name='maker',
            field=models.CharField(blank=True, default='', editable=False, max_length=80),
        ),
        migrations.RunPython(mark_empty_rooms, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='room',
            index=models.Index(fields=['-head', 'slug'], name='busiest_rooms'),
        ),
        migrations.AddIndex(
            model_name='room',
            index=models.Index(fields=['maker', 'created'], name='rooms_of_a_maker'),
        ),
        migrations.AddIndex(
            model_name='room',
            index=models.Index(condition=models.Q(announced__lt=django.db.models.expressions.F('head')), fields=['id'], name='rooms_to_announce'),
        ),
        migrations.AddIndex(
            model_name='room',
            index=models.Index(condition=models.Q(('head', 0), ('maker__gt', '')), fields=['id'], name='rooms_without_messages'),
        ),
    ]
