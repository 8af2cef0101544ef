"""The page, and making an account. Logging in and out is Django's own."""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import UserCreationForm
from django.shortcuts import redirect, render
from django.views.generic import FormView


@login_required
def page(request):
    """For those who are logged in."""
    return render(request, "letters/page.html")


class SignUp(FormView):
    """Make an account, and log in with it."""

    form_class = UserCreationForm
    template_name = "letters/signup.html"

    def form_valid(self, form):
        login(self.request, form.save())
        return redirect("letters")
