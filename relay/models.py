"""The one table of relay that Django's models describe. Those of the database layer are in `relay/sql`."""

from django.db import models


class Deployment(models.Model):
    """The identity of the deployment that this database belongs to, in a single row: see `relay.deployment`."""

    #: It is always the same, so that of two processes which insert the row at once one finds that it is there.
    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    identity = models.CharField(max_length=32)

    class Meta:
        default_permissions = ()
