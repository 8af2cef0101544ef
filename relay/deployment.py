"""
Which deployment a process belongs to, and its claim on the channel layer's prefix (L6).

Two deployments with one Redis and one prefix take each other's messages and store them in the wrong database. So each
deployment has an identity, a random id in its database, and a process shows it to the layer before it starts. The layer
lets one identity in at a time. Nor do processes start beside those of a release that they can't work with (P1).
"""

import logging
import secrets
import threading
import time
from typing import Any

from django.apps import apps
from django.db import connections, router

from relay.databases import said
from relay.exceptions import LayerUnavailable, PrefixTaken
from relay.layers import leases

logger = logging.getLogger(__name__)

#: Which releases can run beside each other: those with the same number. 2: Django 5.2 takes for forged what Django 2.2
#: signed, and the other way round: logins, guests' names, tickets.
GENERATION = 2
#: Seconds that the start of a process waits for its database and its layer; and between two tries after that.
PATIENCE, AGAIN = 5.0, 10.0
#: The key of the one row, and the ENGINE that Django has where DATABASES is empty.
ONE, DUMMY = 1, "django.db.backends.dummy"


def claim(layer: Any) -> None:
    """
    Claim a layer for this deployment; call it when a process starts. Raises PrefixTaken if another deployment has it,
    or processes of another generation live there.

    Nothing is checked on a layer without leases, and no prefix where the database has no identity. Where the database
    or the layer is away, the process starts after `PATIENCE` seconds at most, and the claim is made as soon as they are
    back. If it is refused that late, the log says so, and the process goes on.
    """
    if not leases(layer):
        return
    claimant = Claimant(layer)
    claimant.start()
    if not claimant.tried.wait(PATIENCE):
        logger.warning("The database or the channel layer is slow; the prefix is checked later")
    if claimant.refused is not None:
        raise claimant.refused


class Claimant(threading.Thread):
    """
    Claims a layer. It is a thread, so that the process can start though its database does not answer, and no
    connection is left behind in one that has no other use for it.
    """

    def __init__(self, layer: Any):
        super().__init__(name="relay-claim", daemon=True)
        self.layer = layer
        #: Set once the first try is over.
        self.tried = threading.Event()
        self.refused: PrefixTaken | None = None

    def run(self) -> None:
        while not self.is_done():
            self.tried.set()
            time.sleep(AGAIN)
        self.tried.set()

    def is_done(self) -> bool:
        """Try once; whether there is nothing left to try."""
        try:
            refuse_beside_others(self.layer)
            found = identity() if self.layer.claimable else None
            if found is None:
                logger.debug("The channel layer has no prefix, or the database no identity: no prefix is claimed")
            else:
                self.layer.claim("%s.%d" % (found, GENERATION))
        except PrefixTaken as e:
            self.refused = e
            if self.tried.is_set():
                logger.error("%s", e)
        except Exception as e:
            level = logging.INFO if self.tried.is_set() else logging.WARNING
            logger.log(level, "The database does not say whose it is; the prefix is checked later: %s", said(e))
            return False
        finally:
            connections.close_all()
        return True


def refuse_beside_others(layer: Any) -> None:
    """
    Raise PrefixTaken if a process of another generation says that it lives; the first one does not say which it is. A
    layer that is away says nothing.
    """
    try:
        living = [(kind, report) for kind in ("worker", "interface") for report in layer.notes(kind).values()]
    except LayerUnavailable:
        return
    others = [(kind, report) for kind, report in living if report.get("generation", 1) != GENERATION]
    if others:
        named = ["%s on %s (pid %s)" % (kind, report.get("host"), report.get("pid")) for kind, report in others]
        raise PrefixTaken(
            "Processes of a release that this one can't run beside are still there: %s. Stop them, and start again. "
            "Those that were killed are forgotten after ten seconds." % ", ".join(named)
        )


def identity() -> str | None:
    """
    The random id of this deployment's database, which is made when it is first asked for. None if there is no database,
    or none with the table for it. Raises what Django raises if the database can't be reached or written.
    """
    if not (apps.ready and apps.is_installed("relay")):
        return None
    # A model can't be imported before Django's apps are there.
    from relay.models import Deployment

    alias = router.db_for_write(Deployment)
    connection = connections[alias]
    if connection.settings_dict["ENGINE"] == DUMMY:
        return None
    if Deployment._meta.db_table not in connection.introspection.table_names():
        return None
    rows = Deployment.objects.using(alias)
    row, _ = rows.get_or_create(pk=ONE, defaults={"identity": secrets.token_hex(16)})
    return row.identity
