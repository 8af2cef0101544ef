"""No two accounts look alike, however they come to their names, nor do two rooms that people open."""

import io
import string
import threading
from contextlib import suppress

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatapp import doors, names, quotas
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import Room, TakenName
from chatapp.models.rooms import LOOK

PASSWORD = "a long pass phrase"
LOOKS_LIKE_ANNIKA = ["ANNIKA", "\u0430nnika", "ann\u0131ka", "ANN\u0399KA"]


def accounts():
    return get_user_model().objects


def sign_up(name):
    return Client().post("/accounts/signup/", {"username": name, "password1": PASSWORD, "password2": PASSWORD})


@pytest.fixture
def annika(database):
    return accounts().create_user("Annika", password=PASSWORD)


@pytest.fixture
def admin(database):
    """A client that is logged in as an administrator."""
    accounts().create_superuser("root", "root@example.com", PASSWORD)
    client = Client()
    assert client.login(username="root", password=PASSWORD)
    return client


@pytest.mark.parametrize("name", LOOKS_LIKE_ANNIKA)
def test_nobody_signs_up_with_a_name_that_looks_like_another(annika, name):
    """C2"""
    answer = sign_up(name)
    assert (answer.status_code, b"already exists" in answer.content) == (200, True)
    assert accounts().count() == 1


def test_case_makes_no_other_name_beyond_ascii_either(database):
    """C2: SQLite knows the case of ASCII letters only."""
    assert sign_up("\u00dcnal").status_code == 302
    assert b"already exists" in sign_up("\u00fcnal").content


@pytest.mark.parametrize("name", ["\u0417\u0430\u0445\u0430\u0440", "\u65e5\u672c", "\u00c5sa", "\u00dcnal", "Leila"])
def test_a_name_of_any_script_is_signed_up_with(annika, name):
    accounts().create_user("Lelia")
    assert sign_up(name).status_code == 302
    assert accounts().get(username=name)


@pytest.mark.parametrize("name", ["server", "D\u0456ce", "news", "\u0405ystem", "guest-1a2b", "Parley"])
def test_nobody_signs_up_with_a_name_of_the_server(database, name):
    """C2"""
    answer = sign_up(name)
    assert (answer.status_code, b"reserved" in answer.content) == (200, True)
    assert not accounts().exists()


@pytest.mark.parametrize("name", ["\u3164", "\u115f\u1160"])
def test_nobody_is_called_nothing(database, name):
    """C2: letters by their category, and invisible."""
    answer = sign_up(name)
    assert (answer.status_code, b"nothing to see" in answer.content) == (200, True)
    with pytest.raises(ValidationError):
        accounts().create_user(name)
    assert not accounts().exists()


@pytest.mark.parametrize("name", LOOKS_LIKE_ANNIKA)
def test_no_program_makes_an_account_that_looks_like_another(annika, name):
    with pytest.raises(ValidationError):
        accounts().create_user(name)
    with pytest.raises(CommandError, match="already exists"):
        call_command("createsuperuser", interactive=False, username=name, email="a@example.com", stderr=io.StringIO())
    assert accounts().count() == 1


def test_who_runs_the_server_may_use_reserved_names(database):
    call_command("createsuperuser", interactive=False, username="admin", email="a@example.com", stdout=io.StringIO())
    assert accounts().get().username == "admin"


def test_the_admin_says_that_a_name_is_taken_when_it_adds_and_when_it_renames(admin, annika):
    form = {"username": "ANNIKA", "password1": PASSWORD, "password2": PASSWORD}
    assert b"already exists" in admin.post("/admin/auth/user/add/", form).content
    other = accounts().create_user("Ben")
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "12:00:00"}
    page = "/admin/auth/user/%d/change/" % other.pk
    assert b"already exists" in admin.post(page, {"username": "annika", **dates}).content
    assert admin.post(page, {"username": "Ben", "email": "ben@example.com", **dates}).status_code == 302
    assert admin.post(page, {"username": "BEN", **dates}).status_code == 302
    assert admin.post(page, {"username": "Clara", **dates}).status_code == 302
    assert sorted(accounts().values_list("username", flat=True)) == ["Annika", "Clara", "root"]


def test_another_name_frees_the_old_one_and_so_does_deletion(annika):
    annika.username = "Bea"
    annika.save()
    other = accounts().create_user("annika")
    with pytest.raises(ValidationError):
        accounts().create_user("BEA")
    annika.delete()
    accounts().create_user("BEA")
    other.username = "bea"
    with pytest.raises(ValidationError):
        other.save()
    assert sorted(accounts().values_list("username", flat=True)) == ["BEA", "annika"]
    assert TakenName.objects.filter(look="annika").get().user_id == other.pk


def test_an_account_that_was_made_behind_the_servers_back_has_its_name_from_its_next_login_on(database):
    ben = get_user_model()(username="Ben")
    ben.set_password(PASSWORD)
    accounts().bulk_create([ben])
    assert not TakenName.objects.exists()
    assert Client().login(username="Ben", password=PASSWORD)
    with pytest.raises(ValidationError):
        accounts().create_user("BEN")


def test_what_is_not_the_name_is_saved_without_a_question(annika, django_queries):
    with django_queries() as queries:
        annika.save(update_fields=["last_login"])
    assert len(queries) == 1


def at_once(*jobs):
    """Run these in threads of their own, and return what each of them returned."""
    results = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def run(place, job):
        ready.wait()
        try:
            results[place] = job()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("wanted", [("Annika", "ANNIKA"), ("Annika", "Annika")])
def test_of_two_who_sign_up_at_once_one_gets_the_name_and_the_other_an_error_in_the_form(database, monkeypatch, wanted):
    """C2: both forms find the name free, and then both accounts are made."""
    both = threading.Barrier(2)
    hash_password = get_user_model().set_password

    def set_password(user, password):
        hash_password(user, password)
        # The form has looked.
        both.wait()

    monkeypatch.setattr(get_user_model(), "set_password", set_password)
    answers = at_once(*[lambda name=name: sign_up(name) for name in wanted])
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert b"already exists" in next(answer.content for answer in answers if answer.status_code == 200)
    assert accounts().count() == 1


def test_of_two_accounts_that_programs_make_at_once_one_goes_again(database, monkeypatch):
    both = threading.Barrier(2)
    refuse = TakenName.refuse_unless_free.__func__

    def look_and_wait(cls, *args):
        refuse(cls, *args)
        both.wait()

    monkeypatch.setattr(TakenName, "refuse_unless_free", classmethod(look_and_wait))

    def make(name):
        try:
            return accounts().create_user(name)
        except ValidationError:
            return None

    made = at_once(lambda: make("Annika"), lambda: make("ANNIKA"))
    assert len([user for user in made if user]) == 1
    assert accounts().count() == 1


def test_of_two_who_open_rooms_that_look_alike_at_once_one_is_refused(database, monkeypatch):
    """C2: both find that there is no such room, and then both rooms are made."""
    both = threading.Barrier(2)
    look = doors.is_imitation

    def look_and_wait(slug):
        found = look(slug)
        # One at a time: the other can't have looked yet.
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        return found

    monkeypatch.setattr(doors, "is_imitation", look_and_wait)

    def open_room(slug, number):
        try:
            return quotas.room(slug, Sender("user:%d" % number, "somebody")).slug
        except ClientError as e:
            return e.code

    found = at_once(lambda: open_room("general", 1), lambda: open_room("genera1", 2))
    (made,) = Room.objects.values_list("slug", flat=True)
    assert set(found) == {made, "room_name_taken"}


@pytest.fixture
def migrate_from_before(database):
    """A function that fills tables as they were before names were compared, and migrates; returns what that prints."""
    after = [key for key in MigrationExecutor(connection).loader.graph.leaf_nodes() if key[0] == "chatapp"]
    MigrationExecutor(connection).migrate([("chatapp", "0005_room_quotas")])

    def migrate(fill, capsys):
        fill(MigrationExecutor(connection).loader.project_state([("chatapp", "0005_room_quotas")]).apps)
        capsys.readouterr()
        MigrationExecutor(connection).migrate(after)
        return capsys.readouterr().out

    return migrate


def test_accounts_that_look_alike_already_stay_and_are_named_when_a_database_is_migrated(migrate_from_before, capsys):
    """C2"""
    before = ["Annika", "\u0430nnika", "ANNIKA", "Ben"]

    def fill(old):
        users = old.get_model("auth", "User").objects
        for name in before:
            users.create(username=name, is_active=True)

    told = migrate_from_before(fill, capsys)
    first, second, third, ben = accounts().order_by("pk")
    assert [user.username for user in (first, second, third, ben)] == before
    assert told.count("looks like the account %d" % first.pk) == 2
    assert r"%d ('\u0430nnika')" % second.pk in told
    assert "ANNIKA" in told
    assert "Ben" not in told
    # Also for what the third looks like by its capital I.
    looks = {("annika", first.pk), ("annlka", third.pk), ("ben", ben.pk)}
    assert set(TakenName.objects.values_list("look", "user")) == looks
    # They log in, and are saved, as before.
    third.set_password(PASSWORD)
    third.save()
    assert Client().login(username="ANNIKA", password=PASSWORD)
    first.delete()
    third.save()
    assert TakenName.objects.get(look="annika").user == third
    with pytest.raises(ValidationError):
        accounts().create_user("annika")


def test_of_many_accounts_the_first_keeps_each_look_when_a_database_is_migrated(migrate_from_before, capsys):
    """The migration reads accounts in batches: some that look alike are in the same, and some are not."""
    count = 450

    def fill(old):
        users = old.get_model("auth", "User")
        users.objects.bulk_create([users(username="user-%d" % number) for number in range(count)])
        users.objects.bulk_create([users(username="USER-3"), users(username="Ben"), users(username="BEN")])

    told = migrate_from_before(fill, capsys)
    assert told.count("looks like the account") == 2
    assert TakenName.objects.get(look="user-3").user.username == "user-3"
    assert TakenName.objects.get(look="ben").user.username == "Ben"
    without = accounts().exclude(pk__in=TakenName.objects.values("user"))
    assert sorted(without.values_list("username", flat=True)) == ["BEN", "USER-3"]


def test_rooms_that_look_alike_already_keep_their_names_when_a_database_is_migrated(migrate_from_before, capsys):
    """C2"""

    def fill(old):
        rooms = old.get_model("chatapp", "Room").objects
        for slug in ("Team", "team", "OLD", "0LD", "other"):
            rooms.create(slug=slug)

    told = migrate_from_before(fill, capsys)
    assert "The names of the rooms team look like that of the room Team" in told
    assert "The names of the rooms 0LD look like that of the room OLD" in told
    assert "other" not in told
    assert Room.objects.count() == 5
    assert [Room.spelled(slug) for slug in ("Team", "team", "TEAM")] == ["Team", "team", "Team"]
    assert [Room.spelled(slug) for slug in ("OLD", "old", "Old", "New")] == ["OLD", "OLD", "OLD", "new"]


def test_the_name_of_a_room_is_found_by_an_index(database):
    """It is asked for whenever somebody enters, and there may be a million."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # It looks through a small table in any case.
            cursor.execute("SET enable_seqscan = off")
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute("%s SELECT slug FROM chatapp_room WHERE %s = 'a'" % (explain, LOOK))
        assert "rooms_by_look" in str(cursor.fetchall())


SLUGS = st.text(st.sampled_from(string.ascii_letters + string.digits + "-_"), min_size=1, max_size=64)


@given(st.lists(SLUGS, min_size=50, max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5, deadline=None)
def test_a_database_compares_the_names_of_rooms_as_all_other_names_are_compared(database, slugs):
    with connection.cursor() as cursor:
        given = "SELECT %s AS slug" + " UNION ALL SELECT %s" * (len(slugs) - 1)
        cursor.execute("SELECT slug, %s FROM (%s) AS given" % (LOOK, given), slugs)
        assert dict(cursor.fetchall()) == {slug: names.skeleton(slug) for slug in slugs}


def test_an_account_that_is_refused_in_a_transaction_leaves_it_usable(annika):
    with transaction.atomic():
        with pytest.raises(ValidationError):
            accounts().create_user("annika")
        accounts().create_user("Ben")
    assert accounts().count() == 2
