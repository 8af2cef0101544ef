"""Takes points by HTTP."""

import json
import time

from channels import Group
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView


class Point(serializers.Serializer):
    """What must be POSTed. Anything else is answered 400, and what is wrong."""

    value = serializers.FloatField()


class Points(APIView):
    """A point comes in, and goes out to everybody who watches. Anybody may send one: in earnest, ask who it is."""

    def post(self, request):
        """Take one point."""
        point = Point(data=request.data)
        point.is_valid(raise_exception=True)
        sent = {"time": time.time(), "value": point.validated_data["value"]}
        Group("live-chart").send({"text": json.dumps(sent)})
        return Response(sent, status=201)
