"""The chat's URLs."""

from django.contrib.auth import views as auth_views
from django.urls import include, path, re_path

from chatapp import views
from chatapp.api import messages, notifications, tickets, tokens
from chatapp.forms import LoginForm

urlpatterns = [
    path("", views.rooms, name="rooms"),
    path("chat/<path:slug>/", views.room, name="room"),
    path("accounts/login/", auth_views.LoginView.as_view(authentication_form=LoginForm), name="login"),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("accounts/signup/", views.signup, name="signup"),
    # Any name, also an impossible one: the view says what is wrong with it.
    re_path(r"^api/rooms/(?P<slug>[\s\S]*)/messages$", messages.Messages.as_view(), name="messages"),
    path("api/ticket", tickets.Tickets.as_view(), name="ticket"),
    path("api/token", tokens.Tokens.as_view(), name="token"),
    path("api/token/refresh", tokens.Refresh.as_view(), name="token-refresh"),
    path("api/token/revoke", tokens.Revoke.as_view(), name="token-revoke"),
    path("api/notifications", notifications.Notifications.as_view(), name="notifications"),
    path("api/notifications/read", notifications.Read.as_view(), name="notifications-read"),
    path("", include("chatapp.dashboard.urls")),
]
