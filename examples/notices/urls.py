"""Which URL is whose."""

from django.urls import path
from django.views.generic import TemplateView

from chatapp.api.tokens import Tokens
from examples.notices.views import Accounts, front

urlpatterns = [
    path("", front),
    path("api/accounts", Accounts.as_view(), name="notices-accounts"),
    path("api/token", Tokens.as_view(), name="notices-token"),
    path("<slug:session>/", TemplateView.as_view(template_name="notices/page.html"), name="notices-session"),
]
