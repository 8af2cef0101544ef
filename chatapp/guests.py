"""
What guests are called: nothing that looks like the name of an account, a bot or the service.

A guest keeps a name until somebody signs up with one that looks the same. This is checked again whenever the guest
enters or says something.
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
    """This sender; a guest who has lost its name, under its new one."""
    return renamed([sender]).get(sender, sender)


def renamed(senders: Iterable[Sender]) -> dict[Sender, Sender]:
    """Which of these senders are guests who have lost their names, and each under its new name."""
    guests = {sender for sender in senders if sender.is_guest}
    taken = looks_taken(guest.name for guest in guests)
    losers = [guest for guest in guests if not may_have(guest, taken)]
    taken = looks_taken(name for guest in losers for name in new_names(guest.key))
    return {guest: with_new_name(guest, taken) for guest in losers}


def looks_taken(wanted: Iterable[str]) -> set[str]:
    """Which looks of these names accounts have."""
    looks = {look for name in wanted for look in names.looks(name)}
    return TakenName.taken(looks) if looks else set()


def may_have(guest: Sender, taken: set[str]) -> bool:
    """Whether a guest may have its name, when accounts have these looks."""
    if names.is_blank(guest.name) or names.looks(guest.name) & taken:
        return False
    return guest.name in new_names(guest.key) or not names.is_reserved(guest.name, bots.registry)


def with_new_name(guest: Sender, taken: set[str]) -> Sender:
    """The guest under a name that nobody can choose."""
    short, long = (guest._replace(name=name) for name in new_names(guest.key))
    return short if may_have(short, taken) else long


def notice(old: Sender, new: Sender) -> str:
    """What a guest who has lost its name is told."""
    return "Guests can't be called %s any more. You are %s now. To choose a name, say /name Ann." % (old.name, new.name)
