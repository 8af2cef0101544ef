from datetime import timedelta

from django.utils import timezone

from chatapp.dashboard.models import Duty
from tests.unit.chatapp.dashboard import ON_BOTH

pytestmark = ON_BOTH


def test_a_duty_is_one_process_at_a_time(database):
    assert Duty.claim("figures", "one", 10)
    assert not Duty.claim("figures", "two", 10)
    assert Duty.claim("figures", "one", 10)


def test_a_duty_goes_on_to_another_when_its_holder_is_not_heard_of(database):
    assert Duty.claim("figures", "one", 10)
    Duty.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert Duty.claim("figures", "two", 10)
    assert not Duty.claim("figures", "one", 10)
