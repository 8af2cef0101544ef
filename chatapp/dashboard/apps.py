"""Django's view of the dashboards."""

from typing import Any

from channels.signals import worker_ready
from django.apps import AppConfig
from django.core import checks


class DashboardConfig(AppConfig):
    name = "chatapp.dashboard"
    label = "dashboard"
    verbose_name = "Dashboards"

    def ready(self) -> None:
        from chatapp.dashboard.checks import check_access, check_frontend

        checks.register(check_access)
        checks.register(check_frontend)
        worker_ready.connect(start_keeper)


def start_keeper(**kwargs: Any) -> None:
    from chatapp.dashboard import keeper

    keeper.start()
