"""Django's view of the chat."""

from django.apps import AppConfig
from django.core import checks


class ChatConfig(AppConfig):
    name = "chatapp"
    verbose_name = "Chat"

    def ready(self) -> None:
        from chatapp import signals
        from chatapp.checks import check_deployment

        checks.register(check_deployment, deploy=True)
        signals.connect()
