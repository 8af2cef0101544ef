"""The page, and making an account. Tokens are chatapp's: POST /api/token."""

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView


class Account(serializers.Serializer):
    """What must be POSTed for an account."""

    username = serializers.RegexField(r"^[\w.@+-]+$", max_length=150)
    password = serializers.CharField(min_length=8)

    def create(self, validated_data):
        """The chat refuses a name that looks like somebody's."""
        try:
            return get_user_model().objects.create_user(**validated_data)
        except ValidationError as e:
            raise serializers.ValidationError({"username": e.messages}) from None


class Accounts(APIView):
    """Make an account."""

    def post(self, request):
        """Take a name and a password. 400 says what is wrong with them."""
        account = Account(data=request.data)
        account.is_valid(raise_exception=True)
        account.save()
        return Response({"username": account.validated_data["username"]}, status=201)


def front(request):
    """There is always one session."""
    return redirect("notices-session", session="lobby")
