"""How much a socket may send before it has to wait (A11)."""

from typing import NamedTuple


class Limits(NamedTuple):
    """What one socket may send."""

    #: Frames a second in the long run, and at once after a silence. A rate of 0 is no limit.
    rate: float
    burst: float
    #: Messages and bytes that may be on their way to the layer.
    frames: int
    bytes: int


class Intake:
    """What one socket sends: how many frames came lately, and how many messages the layer has not got yet."""

    __slots__ = ("bytes", "filled", "frames", "limits", "tokens")

    def __init__(self, limits: Limits, now: float):
        self.limits = limits
        self.tokens = limits.burst
        self.filled = now
        self.frames = 0
        self.bytes = 0

    def spend(self, now: float) -> None:
        """A frame has begun."""
        if self.limits.rate:
            self.tokens = min(self.limits.burst, self.tokens + (now - self.filled) * self.limits.rate) - 1
            self.filled = now

    def take(self, size: int) -> None:
        """A message is on its way to the layer."""
        self.frames += 1
        self.bytes += size

    def settle(self, size: int) -> None:
        """It is there."""
        self.frames -= 1
        self.bytes -= size

    @property
    def full(self) -> bool:
        return self.frames >= self.limits.frames or self.bytes >= self.limits.bytes

    def wait(self, now: float) -> float:
        """Seconds until the next frame may come."""
        if not self.limits.rate:
            return 0.0
        return max(0.0, (1 - self.tokens) / self.limits.rate - (now - self.filled))
