"""The pages: rooms, one room, signing up; and what a load balancer asks."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from chatapp import doors, idempotency, listing, protocol, quotas, throttle
from chatapp.exceptions import ClientError
from chatapp.forms import SignUpForm, wait_text
from chatapp.identity import GUEST_COOKIE, Sender, remember_guest, sender_of
from chatapp.models import Room
from chatapp.models.names import looks_taken

#: What a request for an account does once.
SIGN_UP = "signup"


@require_GET
def rooms(request: HttpRequest) -> HttpResponse:
    """The front page. `?room=` is the form for going to a room by its name."""
    error = ""
    if "room" in request.GET:
        try:
            return redirect("room", protocol.checked_room(request.GET["room"].strip()))
        except ClientError as e:
            error = e.text
    return rooms_page(request, {"room_error": error}, status=400 if error else 200)


def rooms_page(request: HttpRequest, more: dict[str, Any], status: int) -> HttpResponse:
    context = {
        "rooms": listing.rooms(),
        "letters": doors.LETTERS,
        "room_pattern": protocol.ROOM_PATTERN,
        "may_open_rooms": settings.CHAT_OPEN_ROOMS,
        "guests_open_rooms": bool(settings.CHAT_GUEST_ROOMS),
        **more,
    }
    return render(request, "chatapp/rooms.html", context, status=status)


@require_GET
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """A room's page. The room itself comes into being when a socket enters."""
    try:
        sender = sender_of(request.user, [request.COOKIES.get(GUEST_COOKIE)], idempotency.delivery_id(request))
        spelled = Room.spelled(protocol.checked_room(slug))
        if spelled != slug:
            return redirect("room", spelled)
        slug = doors.room_for(slug, sender)
    except ClientError as e:
        if e.code == "guests_not_allowed":
            return redirect("%s?next=%s" % (reverse("login"), request.path))
        raise Http404(e.text) from None
    known = Room.objects.filter(slug=slug).first()
    if known is None and (not settings.CHAT_OPEN_ROOMS or doors.is_imitation(slug)):
        raise Http404("There is no such room.")
    if known is None and not quotas.may_make(slug, sender):
        return rooms_page(request, {"missing_room": slug}, status=404)
    shown = known or Room(slug=slug)
    shown.title = shown.title or doors.title_of(slug)
    context = {"room": shown, "config": page_config(request, slug, sender)}
    response = render(request, "chatapp/room.html", context)
    remember_guest(request, response, sender)
    return response


def page_config(request: HttpRequest, slug: str, sender: Sender) -> dict[str, Any]:
    """What the room's script must know. A guest is nobody in particular before the socket's `welcome`."""
    return {
        "room": slug,
        "user": None if sender.is_guest else sender.name,
        "sender": None if sender.is_guest else sender.key,
        "maxLength": protocol.MESSAGE_LIMIT,
        "loginUrl": "%s?next=%s" % (reverse("login"), request.path),
    }


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """Make an account, and be logged in with it."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    is_here = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    following = wanted if is_here else reverse("rooms")
    form = SignUpForm(request.POST or None)
    if request.method == "POST":
        try:
            user = account_of(request, form)
        except ClientError as e:
            # Nothing that was sent is looked at: it would tell which names are taken.
            context = {"form": SignUpForm(), "next": following, "error": wait_text(request, e)}
            return render(request, "registration/signup.html", context)
        if user is not None:
            # Two backends could have checked a password; nobody has had to.
            login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
            # Not `redirect`, which would look for a view of that name.
            return HttpResponseRedirect(following)
    return render(request, "registration/signup.html", {"form": form, "next": following})


def account_of(request: HttpRequest, form: SignUpForm) -> Any:
    """
    The account that the form makes, or has made if the request was delivered before (C1). None if the form has errors.
    Somebody may have taken the name since the form looked. Raises ClientError for addresses that sign up too often.
    """
    refusal = None
    try:
        throttle.signup(request)
    except ClientError as e:
        refusal = e
    is_valid = refusal is None and form.is_valid()
    # Must come after the form has looked up the name: if an earlier delivery has taken it, its key is there by now.
    made = idempotency.find(request, SIGN_UP)
    if made is None and refusal is not None:
        raise refusal
    if made is None and is_valid:
        # This hashes the password, which takes too long for a transaction.
        user = form.save(commit=False)
        try:
            made = idempotency.once(request, SIGN_UP, lambda: saved(user))
        except ValidationError as e:
            form.add_error("username", e)
        except IntegrityError:
            form.add_error("username", looks_taken())
    return get_user_model().objects.filter(pk=made).first() if made is not None else None


def saved(user: Any) -> str:
    user.save()
    return str(user.pk)
