"""What is posted, checked: `{"value", "at"?}`, or `{"points": [{"value", "at"?}, …]}`."""

import math
import time
from datetime import UTC
from typing import Any

from django.conf import settings
from django.utils.dateparse import parse_datetime
from rest_framework import serializers

#: Points of one post.
POINTS_LIMIT = 1000
SHAPE = 'Post {"value": 1.5} or {"points": [{"value": 1.5}, …]}.'
#: Seconds that a sender's clock may be ahead of ours.
AHEAD = 60.0


class NumberField(serializers.FloatField):
    """DRF's FloatField, which takes `true` for a number."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            self.fail("invalid")
        value: float = super().to_internal_value(data)
        return value


class MomentField(serializers.Field):
    """A time as ISO 8601, UTC where it says no other, or as Unix seconds. It becomes Unix seconds."""

    default_error_messages = {
        "invalid": "A time is required: ISO 8601 (2026-11-21T09:30:00Z) or Unix seconds.",
        "ahead": "This time is more than a minute ahead of the server's clock.",
        "old": "This time is more than {window} seconds ago: it would not be shown.",
    }

    def to_internal_value(self, data: Any) -> float:
        try:
            at = seconds(data)
        except (ValueError, TypeError, OverflowError):
            at = math.nan
        if not math.isfinite(at):
            self.fail("invalid")
        now = time.time()
        if at > now + AHEAD:
            self.fail("ahead")
        if at < now - settings.CHAT_DASHBOARD_WINDOW:
            self.fail("old", window=settings.CHAT_DASHBOARD_WINDOW)
        return at

    def to_representation(self, value: float) -> float:
        return value


def seconds(data: Any) -> float:
    """Unix seconds of a time as it is posted. Raises ValueError or the like."""
    if isinstance(data, bool):
        raise ValueError("a truth value is no time")
    if not isinstance(data, str):
        return float(data)
    moment = parse_datetime(data)
    if moment is None:
        raise ValueError("this is not ISO 8601")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class PointSerializer(serializers.Serializer):
    value = NumberField()
    at = MomentField(required=False)


class PostSerializer(serializers.Serializer):
    """One point, or many. `pairs` has them as (Unix seconds, value); those without a time are of now."""

    points = PointSerializer(many=True, allow_empty=False, required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"non_field_errors": [SHAPE]})
        given = data.get("points")
        if given is None:
            return {"points": [self.fields["points"].child.run_validation(data)]}
        if isinstance(given, list) and len(given) > POINTS_LIMIT:
            # Before each is looked at.
            raise serializers.ValidationError(
                {"points": ["%d points are too many for one post: at most %d." % (len(given), POINTS_LIMIT)]}
            )
        validated: dict[str, Any] = super().to_internal_value(data)
        return validated

    @property
    def pairs(self) -> list[tuple[float, float]]:
        now = time.time()
        return [(point.get("at", now), point["value"]) for point in self.validated_data["points"]]


def first_problem(errors: Any, where: str = "") -> str:
    """The first thing that is wrong, as a sentence that says where: `points[3].value: A valid number is required.`"""
    while isinstance(errors, dict):
        name, errors = next(iter(errors.items()))
        if isinstance(name, int):
            where += "[%d]" % name
        elif name != "non_field_errors":
            where = "%s.%s" % (where, name) if where else name
    text = str(errors[0] if isinstance(errors, list) else errors)
    return "%s: %s" % (where, text) if where else text
