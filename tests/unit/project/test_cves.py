"""What docs/cves.md and SECURITY.md promise of requests within Django."""

import re
import tempfile

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client

from tests.databases import ROOT


@pytest.mark.parametrize("page", ["docs/cves.md", "SECURITY.md"])
def test_each_test_that_the_page_names_is_there(page):
    there = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)", path.read_text()))
    named = set(re.findall(r"`(test_\w+)`", (ROOT / page).read_text()))
    assert named
    assert named <= there


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.fixture
def client(lobby, layer):
    return Client()


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/admin/login/"])
def test_a_file_in_a_form_is_kept_nowhere(client, path, monkeypatch):
    """Of a larger one than that Django makes a temporary file, for anybody who sends one."""
    monkeypatch.setattr(tempfile, "mkstemp", lambda *args, **options: pytest.fail("a file is made"))
    sent = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n%s\r\n--x--\r\n' % (b"1" * 5_000_000)
    answer = client.generic("POST", path, sent, content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 200
    assert answer.wsgi_request.FILES == {}


def test_cve_2026_113733_the_admin_shows_no_hash(client, alice, bob):
    """Neither to staff who may change users, nor to those who may only view them."""
    bob.is_staff = True
    bob.save()
    bob.user_permissions.add(Permission.objects.get(codename="view_user"))
    hashed = alice.password.rpartition("$")[2]
    for staff in (get_user_model().objects.create_superuser("root", "", "correct horse"), bob):
        client.force_login(staff)
        for path in ("/admin/auth/user/%d/change/" % alice.pk, "/admin/auth/user/"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert hashed not in answer.content.decode()


def test_names_and_passwords_have_a_limit_before_anything_is_done_with_them(client, monkeypatch):
    """Text of megabytes is neither normalised nor hashed to no end."""
    asked = []
    monkeypatch.setattr("chatapp.throttle.login", lambda *args: asked.append(args))
    for fields in ({"username": "x" * 151, "password": "y"}, {"username": "x", "password": "y" * 5000}):
        assert b"at most" in client.post("/accounts/login/", fields).content
        assert client.post("/api/token", fields, content_type="application/json").status_code == 401
    assert asked == []
