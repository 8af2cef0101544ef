"""Which requests have had their effect."""

from datetime import datetime

from django.db import connection, models, transaction

from chatapp import clock

#: Keys that are deleted in one transaction: on SQLite nobody else writes meanwhile.
FORGOTTEN = 500


class IdempotencyKey(models.Model):
    """
    A request that has had its effect, so that it has no other when it is delivered again (C1).

    Its row is written in the transaction of the effect: both are there, or neither.
    """

    key = models.CharField(max_length=100, primary_key=True)
    #: What the answer to a repeat is made of: a primary key, a URL.
    result = models.TextField(blank=True)
    #: When it can be forgotten.
    ends = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return "%s, until %s" % (self.key, self.ends)

    @classmethod
    def claim(cls, key: str, ends: datetime) -> bool:
        """
        Insert the key in the caller's transaction. Returns False if it is there already. If another transaction has
        inserted it and not ended, this waits: False if that one commits, True if it rolls back.
        """
        query = "INSERT INTO chatapp_idempotencykey (key, result, ends) VALUES (%s, '', %s) ON CONFLICT DO NOTHING"
        with connection.cursor() as cursor:
            cursor.execute(query, [key, connection.ops.adapt_datetimefield_value(ends)])
            return cursor.rowcount == 1

    @classmethod
    def forget(cls) -> None:
        """Delete those that have ended."""
        while cls.forget_some():
            pass

    @classmethod
    def forget_some(cls) -> bool:
        """Whether there may be more."""
        ended = cls.objects.filter(ends__lt=clock.now()).values_list("key", flat=True)
        with transaction.atomic():
            # Another sweeper deletes what it has locked; neither waits for the other.
            keys = list(ended.select_for_update(skip_locked=True)[:FORGOTTEN])
            cls.objects.filter(key__in=keys).delete()
        return len(keys) == FORGOTTEN
