"""Sending what consumers want to send: much in one go, and what is wrong with one message harms no other (B1)."""

import itertools
import logging
from collections.abc import Iterable
from typing import Any

from channels import Channel, Group
from django.db import transaction

from relay.layers import send_many, send_to_groups

logger = logging.getLogger(__name__)

#: A message, and whom it is for.
Send = tuple[Channel | Group, dict[str, Any]]

#: What a layer raises for a message that it could never take.
UNSENDABLE = (TypeError, ValueError, ArithmeticError, AssertionError)


def send_on_commit(target: Channel | Group, content: dict[str, Any]) -> None:
    """
    Send when the transaction that this is in has committed, or now if it is in none; not at all if it is rolled back.

    For views, commands and signal handlers: what a worker does at once with the message would else not find what the
    transaction wrote (B12). In a consumer, `send` waits for its end anyway.
    """
    transaction.on_commit(lambda: target.send(content))


def send_at_once(sends: Iterable[Send]) -> None:
    """
    Send these now, in a consumer or not, in as few calls as can be. Raises what the layer raises, and ChannelFull; then
    it is not known which were sent.
    """
    for _, some in itertools.groupby(sends, key=way):
        part = list(some)
        if refused := send_part(part):
            raise part[0][0].channel_layer.ChannelFull("The channel %s is full" % refused[0][0].name)


def send_all(sends: Iterable[Send]) -> tuple[list[Send], list[tuple[Send, str]]]:
    """
    Send these in their order. Returns those whose channels are full, or whose layer fails, for another time; and those
    that can never be sent, with the reason.
    """
    left: list[Send] = []
    unsendable: list[tuple[Send, str]] = []
    for _, some in itertools.groupby(sends, key=way):
        refused, bad = try_part(list(some))
        left += refused
        unsendable += bad
    return left, unsendable


def way(send: Send) -> tuple[bool, int]:
    """What one call can take has this in common."""
    return isinstance(send[0], Group), id(send[0].channel_layer)


def send_part(part: list[Send]) -> list[Send]:
    """Send what one call can take; returns what finds its channel full. Raises what the layer raises."""
    layer = part[0][0].channel_layer
    messages = [(target.name, content) for target, content in part]
    if isinstance(part[0][0], Group):
        send_to_groups(layer, messages)
        return []
    return [part[position] for position in send_many(layer, messages)]


def try_part(part: list[Send]) -> tuple[list[Send], list[tuple[Send, str]]]:
    """As `send_all`, for what one call can take."""
    try:
        return send_part(part), []
    except (*UNSENDABLE, part[0][0].channel_layer.MessageTooLarge) as e:
        return one_by_one(part) if len(part) > 1 else ([], [(part[0], "%s: %s" % (type(e).__name__, e))])
    except Exception as e:
        logger.error("The channel layer fails, and is tried again: %s: %s", type(e).__name__, e)
        return part, []


def one_by_one(part: list[Send]) -> tuple[list[Send], list[tuple[Send, str]]]:
    """One of these can't be sent: find out which. What comes after a refused one, for the same target, waits too."""
    left: list[Send] = []
    unsendable: list[tuple[Send, str]] = []
    for send in part:
        if any(send[0].name == other.name for other, _ in left):
            left.append(send)
            continue
        refused, bad = try_part([send])
        left += refused
        unsendable += bad
    return left, unsendable
