"""
How often somebody may guess: passwords, accounts that are there, tickets.

Counters are rows, so all workers share them. A try counts before it is known how it ends, and is taken back when it
succeeds: however many are made at once, only so many are free. What is refused is not counted, and costs no hash.

Passwords are counted three times: by address and account, by address, and by account. Whoever guesses from many
addresses meets the last, which never locks for longer than ACCOUNT_WAIT, and not at all where its owner logged in from
before. Elsewhere the owner and whoever guesses are one: as long as that goes on, each try may find that it must wait.

The address is what the interface server decided (`--proxy-headers`). The machine's own means a proxy that does not say
for whom it asks: then only the account counts. Those of whom a proxy says something that can't be read share counters.
"""

import hashlib
import hmac
import ipaddress
import json
import logging
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from chatapp import clock
from chatapp.exceptions import ClientError
from chatapp.models import Tries

logger = logging.getLogger(__name__)

#: Seconds after which a counter begins anew.
WINDOW = 3600
#: Times CHAT_LOGIN_TRIES: failures from one address at any accounts, and at one account from any addresses.
ADDRESS_FACTOR, ACCOUNT_FACTOR = 10, 4
#: The longest wait, in seconds, for an account at which others guess.
ACCOUNT_WAIT = 60
#: Seconds for which an address is known, from which an account was logged in to.
KNOWN_FOR = 30 * 86400
#: Tickets, tokens and session keys that are none, from one address, before it must wait; and how long at most.
SOCKET_TRIES, SOCKET_WAIT = 100, 60
#: Counters that are deleted at once.
FORGOTTEN = 500
#: The place of those whose address nobody knows.
UNKNOWN = "unknown"
#: How much of an IPv6 address is one customer's.
IPV6_PREFIX = 64


class Rule(NamedTuple):
    """What is counted under which key, how many are free, and how long one waits at most."""

    what: str
    key: str
    free: int
    longest: float


class Tried:
    """A try that was counted; `succeeded` takes it back."""

    def __init__(self, rules: Sequence[Rule], known: str = ""):
        self.rules = rules
        self.known = known

    def succeeded(self) -> None:
        pairs = [rule.key for rule in self.rules if rule.what == "pair"]
        with transaction.atomic():
            for key, row in locked(self.rules).items():
                row.forgive(whole=key in pairs)
        if self.known:
            now = clock.now()
            until = now + timedelta(seconds=KNOWN_FOR)
            Tries.objects.update_or_create(key=self.known, defaults={"begun": now, "until": until})


def enter(kind: str, rules: Sequence[Rule], address: str) -> None:
    """Count one try under each rule. Raises ClientError where one says to wait: then none is counted."""
    waits = None
    # A counter may be forgotten between the two. Each holds nothing that the other, elsewhere, waits for.
    while waits is None:
        Tries.objects.bulk_create([Tries(key=key) for key in keys_of(rules)], ignore_conflicts=True)
        waits = count(rules)
    if any(waits.values()):
        refuse(kind, waits, address)


def count(rules: Sequence[Rule]) -> dict[Rule, float] | None:
    """The seconds to wait for each rule; without any, one more try is counted. None: not all counters are there."""
    with transaction.atomic():
        rows = locked(rules)
        if len(rows) < len(rules):
            return None
        now = clock.now()
        waits = {rule: rows[rule.key].wait(now) for rule in rules}
        if not any(waits.values()):
            for rule in rules:
                rows[rule.key].note(now, WINDOW, rule.free, rule.longest)
        return waits


def keys_of(rules: Sequence[Rule]) -> list[str]:
    """In one order: no two who go by it wait for each other."""
    return sorted(rule.key for rule in rules)


def locked(rules: Sequence[Rule]) -> dict[str, Tries]:
    """The counters that are there, by key, and nobody else's until the transaction ends."""
    return {row.key: row for row in Tries.objects.select_for_update().filter(key__in=keys_of(rules)).order_by("key")}


def refuse(kind: str, waits: dict[Rule, float], address: str) -> None:
    rule = max(waits, key=lambda rule: waits[rule])
    error = ClientError("too_many_tries", retry_after=waits[rule])
    logger.warning(
        "Too many tries: %s by %s from %s must wait %d s (counter %s)",
        kind,
        rule.what,
        address or "an unknown address",
        error.whole_seconds,
        rule.key[:8],
    )
    raise error


def login(request: Any, account: str) -> Tried:
    """Somebody is about to try a password. Raises ClientError."""
    free, longest = settings.CHAT_LOGIN_TRIES, settings.CHAT_LOGIN_WAIT
    if not free:
        return Tried([])
    address = address_of(request)
    account = unicodedata.normalize("NFKC", account).casefold()
    rules, known = [], ""
    if address:
        rules.append(Rule("pair", key("pair", address, account), free, longest))
        rules.append(Rule("address", key("address", address), free * ADDRESS_FACTOR, longest))
        known = key("known", address, account)
    if not (known and is_known(known)):
        rules.append(Rule("account", key("account", account), free * ACCOUNT_FACTOR, ACCOUNT_WAIT))
    enter("login", rules, address)
    return Tried(rules, known)


def is_known(key: str) -> bool:
    """Whether the account was logged in to from the address that this key stands for."""
    return Tries.objects.filter(key=key, until__gt=clock.now()).exists()


def signup(request: Any) -> None:
    """Somebody wants an account, or to know which names are taken. Raises ClientError."""
    address = address_of(request)
    if address and settings.CHAT_SIGNUPS:
        rule = Rule("address", key("signup", address), settings.CHAT_SIGNUPS, settings.CHAT_LOGIN_WAIT)
        enter("signup", [rule], address)


def check_socket(address: str) -> None:
    """Raise ClientError for who came with what is no ticket, token or session key, again and again."""
    row = Tries.objects.filter(key=key("socket", address)).first() if address else None
    if row is not None and (wait := row.wait(clock.now())):
        raise ClientError("too_many_tries", retry_after=wait)


def note_socket(address: str) -> None:
    """Somebody came with what is no ticket, token or session key."""
    if address:
        try:
            enter("socket", [Rule("address", key("socket", address), SOCKET_TRIES, SOCKET_WAIT)], address)
        except ClientError:
            pass  # Another of theirs was counted meanwhile. This one is refused anyway.


def forget() -> None:
    """Delete what counts no more."""
    while forget_some():
        pass


def forget_some() -> bool:
    """Whether there may be more."""
    now = clock.now()
    over = Tries.objects.filter(begun__lt=now - timedelta(seconds=WINDOW), until__lt=now)
    with transaction.atomic():
        # What is just counted stays for once: who waits for nobody is part of no deadlock.
        keys = list(over.select_for_update(skip_locked=True).values_list("key", flat=True)[:FORGOTTEN])
        Tries.objects.filter(key__in=keys).delete()
    return len(keys) == FORGOTTEN


def address_of(request: Any) -> str:
    """Where a request of Django, or of its REST framework, comes from: see `place`. Empty without a request."""
    return place(request.META.get("REMOTE_ADDR", "")) if request is not None else ""


def place(host: str) -> str:
    """What of an address is one customer's; empty for the machine's own. All who come from nowhere share a place."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return UNKNOWN
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        return ""
    if address.version == 6:
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def key(*parts: str) -> str:
    """The key of a counter: a hash, as a table of who failed where would be worth stealing."""
    text = json.dumps(parts).encode("utf-8")
    return hmac.new(b"chatapp.throttle:" + settings.SECRET_KEY.encode("utf-8"), text, hashlib.sha256).hexdigest()
