"""Which URL is whose."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from django.views.decorators.http import require_POST

from examples.letters.views import SignUp, page

urlpatterns = [
    path("", page, name="letters"),
    path("login/", LoginView.as_view(template_name="letters/login.html"), name="letters-login"),
    path("signup/", SignUp.as_view(), name="letters-signup"),
    # Not by a link: a picture on some other site could else log people out.
    path("logout/", require_POST(LogoutView.as_view()), name="letters-logout"),
]
