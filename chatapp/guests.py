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
    if names.is_reserved(name, bots.registry) or TakenName.taken(names.looks(name)):
        raise ClientError("name_taken")


def settled(sender: Sender) -> Sender:
    """The guest under a name that still is the guest's to have; anybody else as they are."""
    return renamed([sender]).get(sender, sender)


def renamed(senders: Iterable[Sender]) -> dict[Sender, Sender]:
    """Those of these senders whose names are no guest's any more, as they are called from now on."""
    guests = {sender for sender in senders if sender.is_guest}
    taken = TakenName.taken({look for guest in guests for look in looks_of(guest)}) if guests else set()
    return {guest: called_otherwise(guest, taken) for guest in guests if not may_have(guest, guest.name, taken)}


def looks_of(guest: Sender) -> set[str]:
    """Of the name that a guest has, and of those that it may get instead."""
    return {look for name in (guest.name, *new_names(guest.key)) for look in names.looks(name)}


def may_have(guest: Sender, name: str, taken: set[str]) -> bool:
    """Whether a guest may have a name, when accounts have these looks."""
    if names.is_blank(name) or names.looks(name) & taken:
        return False
    return name in new_names(guest.key) or not names.is_reserved(name, bots.registry)


def called_otherwise(guest: Sender, taken: set[str]) -> Sender:
    """The guest by a name of those that nobody chooses."""
    short, long = new_names(guest.key)
    return guest._replace(name=short if may_have(guest, short, taken) else long)


def notice(old: Sender, new: Sender) -> str:
    """What a guest is told who is called otherwise now."""
    return "Guests can't be called %s any more. You are %s now. To choose a name, say /name Ann." % (old.name, new.name)
