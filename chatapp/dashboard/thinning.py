"""
Many points made few: what a screen can show, with every peak. Pure.

The time that they span is cut into equal parts; of each part the lowest and the highest point stay, where and as they
are, and the very last point stays, so that a line ends where it ends. Each that stays says for how many it stands.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """A point to draw: seconds since the epoch, the value, and how many points it stands for, itself included."""

    at: float
    value: float
    stands_for: int


def thin(points: Iterable[tuple[float, float]], limit: int) -> list[Point]:
    """
    At most `limit` (3 or more) of these points, as (time, value), in the order of their times. What they stand for
    adds up to how many there were.
    """
    ordered = sorted(points, key=lambda point: point[0])
    if len(ordered) <= limit:
        return [Point(at, value, 1) for at, value in ordered]
    at, value = ordered.pop()
    thinned = [point for part in cut(ordered, (limit - 1) // 2) for point in extremes(part)]
    return [*thinned, Point(at, value, 1)]


def cut(ordered: Sequence[tuple[float, float]], parts: int) -> list[list[tuple[float, float]]]:
    """The points in at most so many parts of equal time; empty parts are left out."""
    start = ordered[0][0]
    # Where all are of one moment, any width will do.
    width = (ordered[-1][0] - start) / parts or 1.0
    found: dict[int, list[tuple[float, float]]] = {}
    for point in ordered:
        found.setdefault(min(parts - 1, int((point[0] - start) / width)), []).append(point)
    return list(found.values())


def extremes(part: list[tuple[float, float]]) -> list[Point]:
    """The lowest and the highest of a part, or its only value."""
    low = min(part, key=lambda point: point[1])
    high = max(part, key=lambda point: point[1])
    if low[1] == high[1]:
        return [Point(*low, len(part))]
    first, second = sorted([low, high], key=lambda point: point[0])
    return [Point(*first, len(part) - len(part) // 2), Point(*second, len(part) // 2)]
