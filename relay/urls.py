"""What machines ask for: `path("", include("relay.urls"))`. Nobody else should reach `readyz`: it names machines."""

from django.urls import path

from relay import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
