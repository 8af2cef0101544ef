"""
Channel layers, for `BACKEND` in CHANNEL_LAYERS: `inmemory.ChannelLayer`, `database.DatabaseChannelLayer`,
`redis.RedisChannelLayer` and `redis.RedisSentinelChannelLayer`. What they promise is in `base`.

The functions here are for code that must also run on layers which have no leases: they use those where there are any,
and `receive` and `send` elsewhere.
"""

from collections.abc import Iterable
from typing import Any

from relay.layers.delivery import Content, Delivery


def leases(layer: Any) -> bool:
    """Whether a layer, or Channels' wrapper of one, has relay's contract."""
    return "leases" in layer.extensions


def in_transaction(layer: Any) -> bool:
    """Whether what this thread sends now is part of a transaction that it has begun."""
    return "transactions" in layer.extensions and layer.in_transaction


def take(
    layer: Any, channels: Iterable[str], limit: int = 1, block: bool = False, done: Iterable[Delivery] = ()
) -> list[Delivery]:
    """`LeasingLayer.take`. From another layer at most one message, which that layer has forgotten."""
    if leases(layer):
        return layer.take(channels, limit, block, done)
    names = list(channels)
    channel, content = layer.receive(names, block) if names else (None, {})
    if channel is None:
        return []
    # It does not tell what was for a group. An answer to a handshake hardly was; anything else may have been.
    maybe_to_group = not {"accept", "close"} & content.keys()
    return [Delivery((channel,), Content(content), to_group=maybe_to_group)]


def acknowledge(layer: Any, deliveries: Iterable[Delivery]) -> None:
    """`LeasingLayer.acknowledge`. Another layer needs none."""
    if leases(layer):
        layer.acknowledge(deliveries)


def give_back(layer: Any, deliveries: Iterable[Delivery], reason: str = "", delay: float = 0) -> None:
    """`LeasingLayer.give_back`. Another layer has forgotten them."""
    if leases(layer):
        layer.give_back(deliveries, reason, delay)


def leave(layer: Any) -> None:
    """`LeasingLayer.leave`. Another layer has forgotten what it gave."""
    if leases(layer):
        layer.leave()


def be_patient(layer: Any) -> None:
    """`LeasingLayer.be_patient`. Another layer raises as it does."""
    if leases(layer):
        layer.be_patient()


def send_many(layer: Any, messages: Iterable[tuple[str, dict[str, Any]]]) -> list[int]:
    """`LeasingLayer.send_many`. To another layer one after the other."""
    if leases(layer):
        return layer.send_many(messages)
    refused = []
    full = set()
    for position, (channel, message) in enumerate(messages):
        try:
            if channel not in full:
                layer.send(channel, message)
                continue
        except layer.ChannelFull:
            full.add(channel)
        refused.append(position)
    return refused


def send_to_groups(layer: Any, messages: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """`LeasingLayer.send_to_groups`. To another layer one after the other."""
    if leases(layer):
        layer.send_to_groups(messages)
    else:
        for group, message in messages:
            layer.send_group(group, message)


def stop_waiting(layer: Any) -> None:
    """`LeasingLayer.stop_waiting`. On another layer, who waits waits until its time is up."""
    if leases(layer):
        layer.stop_waiting()
