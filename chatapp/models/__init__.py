"""
What the chat keeps: rooms and their messages, who is there, who may come in by a token or a ticket, which names are
taken, and which requests have had their effect.
"""

from chatapp.models.grants import Grant
from chatapp.models.idempotency import IdempotencyKey
from chatapp.models.membership import Membership
from chatapp.models.names import TakenName
from chatapp.models.presence import Presence, Seat
from chatapp.models.rooms import (
    NAME_LENGTH,
    SENDER_LENGTH,
    SERVER,
    ChatMessage,
    Room,
    checked_or_new_client_id,
    new_client_id,
    places,
)
from chatapp.models.tickets import TICKETS_LIMIT, Ticket
from chatapp.models.tries import Tries

__all__ = [
    "NAME_LENGTH",
    "SENDER_LENGTH",
    "SERVER",
    "TICKETS_LIMIT",
    "ChatMessage",
    "Grant",
    "IdempotencyKey",
    "Membership",
    "Presence",
    "Room",
    "Seat",
    "TakenName",
    "Ticket",
    "Tries",
    "checked_or_new_client_id",
    "new_client_id",
    "places",
]
