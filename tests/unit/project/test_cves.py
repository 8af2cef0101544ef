"""Django's security issues since 2.2.28: the table in docs/cves.md, and those that could be reached within Django."""

import ast
import base64
import re

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import get_resolver

from chatapp.uploads import FORM_LIMIT
from tests.databases import ROOT

#: All that Django has published from 2.2.28 to 3 November 2026: docs/releases/security.txt of 6.1.3, and its notes.
PUBLISHED = (
    "2022-34265 2022-36359 2022-41323 2023-23969 2023-24580 2023-31047 2023-36053 2023-41164 2023-43665 2023-46695 "
    "2024-24680 2024-27351 2024-38875 2024-39329 2024-39330 2024-39614 2024-41989 2024-41990 2024-41991 2024-42005 "
    "2024-45230 2024-45231 2024-53907 2024-53908 2024-56374 2025-13372 2025-13473 2025-14550 2025-26699 2025-27556 "
    "2025-32873 2025-48432 2025-57833 2025-59681 2025-59682 2025-64458 2025-64459 2025-64460 2026-1207 2026-1285 "
    "2026-1287 2026-1312 2026-3902 2026-4277 2026-4292 2026-5766 2026-6873 2026-6907 2026-7666 2026-8404 2026-15307 "
    "2026-15337 2026-15830 2026-15920 2026-25673 2026-25674 2026-33033 2026-33034 2026-35192 2026-35193 2026-48587 "
    "2026-48588 2026-53877 2026-53878 2026-77050 2026-84429 2026-87890 2026-87975 2026-108147 2026-111211 2026-111362 "
    "2026-113593 2026-113733 2026-114582"
)
#: What brings the code of those that nobody can get at; in Python and in templates.
ABSENT = [
    r"Trunc\w*\(",
    r"Extract\w*\(",
    r"FileResponse",
    r"i18n_patterns|LocaleMiddleware|set_language|get_language_from_request|JavaScriptCatalog",
    r"\bFileField|ImageField|request\.FILES",
    r"\bURLField|\bEmailField|URLValidator|EmailValidator|validate_email",
    r"uri_to_iri",
    r"truncate\w+_html|Truncator",
    r"intcomma|humanize",
    r"urlize",
    r"default_storage|FileSystemStorage|MEDIA_ROOT|filebased",
    r"floatformat|wordwrap",
    r"JSONField|HStoreField|contrib\.postgres|contrib\.gis",
    r"FilteredRelation|RawSQL|\.extra\(",
    r"[pP]assword_?[rR]eset",
    r"strip_?tags",
    r"IPAddressField|validate_ipv",
    r"serializers\.deserialize|xml_serializer",
    r"mod_wsgi|wsgi_auth|modwsgi",
    r"Generic\w*Inline|list_editable|formset",
    r"get_signed_cookie|set_signed_cookie",
    r"cache_page|CacheMiddleware|SESSION_SAVE_EVERY_REQUEST|cache_control\(public",
]
#: Calls that take names of columns and aliases, and what may be passed on to them as it comes.
NAMING = ("filter", "exclude", "annotate", "aggregate", "alias", "order_by", "values", "values_list", "Q", "only")
SOURCES = [
    path
    for package in ("relay", "chatapp", "project", "examples", "deploy")
    for path in (ROOT / package).rglob("*")
    if path.suffix in (".py", ".html") and "migrations" not in path.parts
]


def table():
    """The rows of the table: the issues, and their other cells."""
    page = (ROOT / "docs" / "cves.md").read_text()
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| CVE-")]
    cells = [[cell.strip() for cell in row] for row in rows]
    return [([name.strip().removeprefix("CVE-") for name in first.split(",")], rest) for first, *rest in cells]


def test_the_table_has_each_issue_once():
    named = [name for names, _ in table() for name in names]
    assert len(PUBLISHED.split()) == len(set(PUBLISHED.split())) == 74
    assert sorted(named) == sorted(PUBLISHED.split())


@pytest.mark.parametrize("page", ["docs/cves.md", "SECURITY.md"])
def test_each_test_that_the_page_names_is_there(page):
    there = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        there |= set(re.findall(r"def (test_\w+)", path.read_text()))
    named = set(re.findall(r"`(test_\w+)`", (ROOT / page).read_text()))
    assert named
    assert named <= there


def test_each_issue_that_can_be_reached_has_a_test_of_its_own():
    """By its name, unless it is reached by nobody, or by those only who need not."""
    for names, (_, _, reached, done, test) in table():
        if reached.startswith("no") or done.startswith("nothing"):
            continue
        assert all(name.replace("-", "_").partition("_")[2] in test for name in names), names


@pytest.mark.parametrize("pattern", ABSENT)
def test_what_is_absent_stays_absent(pattern):
    found = [path for path in SOURCES if re.search(pattern, path.read_text())]
    assert found == [], "see docs/cves.md before you use it"


def test_no_query_takes_its_names_from_a_request():
    """CVE-2025-57833 and others: a dictionary of arguments is one of names, and those go into the SQL as they are."""
    for path in SOURCES:
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            spread = [a for a in node.args if isinstance(a, ast.Starred)] + [k for k in node.keywords if k.arg is None]
            assert not (name in NAMING and spread), "%s:%d" % (path, node.lineno)


def test_no_language_is_read_from_a_request(client, alice):
    assert not [name for name in settings.MIDDLEWARE if "Locale" in name]
    answer = client.get("/accounts/login/", HTTP_ACCEPT_LANGUAGE="de", HTTP_COOKIE="django_language=de")
    assert b"Log in" in answer.content
    assert "Content-Language" not in answer


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.fixture
def client(lobby, layer):
    return Client()


def form(*parts):
    """A form in parts, as a client sends it: each a header and a body."""
    lines = [b"--x\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % part for part in parts]
    return b"".join(lines) + b"--x--\r\n"


def send(client, body, path="/accounts/login/"):
    return client.generic("POST", path, body, content_type="multipart/form-data; boundary=x").status_code


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/admin/login/"])
def test_cve_2023_24580_a_form_with_files_is_refused(client, path):
    assert send(client, form((b'name="a"', b"1"))) == 200
    assert send(client, form((b'name="a"; filename="a"', b"1")), path) == 400
    assert send(client, form(*[(b'name="a"', b"x" * 100)] * (FORM_LIMIT // 100)), path) == 400


def test_cve_2026_33033_and_108147_encoded_files_are_refused_unread(client, monkeypatch):
    """The headers of a part say that it is in base64; and Django would decode it with great effort."""
    decoded = []
    monkeypatch.setattr(base64, "b64decode", lambda *args: decoded.append(args) or b"")
    name = b'name="a"; filename="a"\r\nContent-Transfer-Encoding: base64'
    assert send(client, form((name, b" \n" * 10_000))) == 400
    assert decoded == []


def test_cve_2024_45231_no_password_is_reset_by_email(client):
    assert client.get("/accounts/password_reset/").status_code == 404
    names = {str(name) for name in get_resolver().reverse_dict}
    assert not [name for name in names if "reset" in name]


@pytest.mark.parametrize("path", ["/admin/auth/user/", "/admin/chatapp/room/"])
@pytest.mark.parametrize("key", ["_connector", "_negated"])
def test_cve_2025_64459_the_admin_writes_no_query_into_sql(client, django_queries, path, key):
    client.force_login(get_user_model().objects.create_superuser("root", "", "correct horse"))
    with django_queries() as queries:
        answer = client.get(path, {key: "OR 1=1 OR", "id": "1", "pk": "2"})
    assert answer.status_code == 400
    assert not [query for query in queries if "1=1" in query]
    assert client.get(path).status_code == 200


def test_cve_2026_113733_the_admin_shows_no_hash(client, alice):
    client.force_login(get_user_model().objects.create_superuser("root", "", "correct horse"))
    hashed = alice.password.rpartition("$")[2]
    assert hashed not in client.get("/admin/auth/user/%d/change/" % alice.pk).content.decode()
    assert hashed not in client.get("/admin/auth/user/").content.decode()


def test_names_and_passwords_have_a_limit_before_anything_is_done_with_them(client, monkeypatch):
    """CVE-2023-46695 and others: text of megabytes is neither normalised nor hashed to no end."""
    asked = []
    monkeypatch.setattr("chatapp.throttle.login", lambda *args: asked.append(args))
    for fields in ({"username": "x" * 151, "password": "y"}, {"username": "x", "password": "y" * 5000}):
        assert b"at most" in client.post("/accounts/login/", fields).content
        assert client.post("/api/token", fields, content_type="application/json").status_code == 401
    assert asked == []
