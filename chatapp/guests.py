"""
What guests are called: nothing that an account, a bot or the service is called, nor anything that looks like it.

A guest has a name for as long as nobody signs up with one of that look. That is asked again whenever the guest enters,
or says something.
"""

from collections.abc import Iterable

from chatapp import bots, names
from chatapp.exceptions import ClientError
from chatapp.identity import Sender, new_names
from chatapp.models import TakenName


def check_name(name: str) -> None:
    """Raise ClientError unless a guest may take this name."""
    if names.is_reserved(name, bots.registry) or looks_taken([name]):
        raise ClientError("name_taken")


def settled(sender: Sender) -> Sender:
    """The guest under a name that still is the guest's to have; anybody else as they are."""
    return renamed([sender]).get(sender, sender)


def renamed(senders: Iterable[Sender]) -> dict[Sender, Sender]:
    """Those of these senders whose names are no guest's any more, as they are called from now on."""
    guests = {sender for sender in senders if sender.is_guest}
    taken = looks_taken(guest.name for guest in guests)
    losers = [guest for guest in guests if not may_have(guest, taken)]
    taken = looks_taken(name for guest in losers for name in new_names(guest.key))
    return {guest: called_otherwise(guest, taken) for guest in losers}


def looks_taken(wanted: Iterable[str]) -> set[str]:
    """Which looks of these names accounts have."""
    looks = {look for name in wanted for look in names.looks(name)}
    return TakenName.taken(looks) if looks else set()


def may_have(guest: Sender, taken: set[str]) -> bool:
    """Whether a guest may have its name, when accounts have these looks."""
    if names.is_blank(guest.name) or names.looks(guest.name) & taken:
        return False
    return guest.name in new_names(guest.key) or not names.is_reserved(guest.name, bots.registry)


def called_otherwise(guest: Sender, taken: set[str]) -> Sender:
    """The guest by a name that nobody chooses."""
    short, long = (guest._replace(name=name) for name in new_names(guest.key))
    return short if may_have(short, taken) else long


def notice(old: Sender, new: Sender) -> str:
    """What a guest is told who is called otherwise now."""
    return "Guests can't be called %s any more. You are %s now. To choose a name, say /name Ann." % (old.name, new.name)
