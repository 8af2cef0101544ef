"""Cables that are cut: packets vanish, and nobody is told."""

import time

import pytest

from chatapp.models import Presence
from tests.networks import needs_namespaces
from tests.services import RedisServer
from tests.talkers import BROKEN
from tests.waiting import FACTOR, wait_until

pytestmark = [
    needs_namespaces,
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.timeout(200 * FACTOR),
]


@pytest.fixture
def far_redis(network, tmp_path):
    """A network of clients, interface servers (`front`) and the rest (`back`), and a Redis in the back."""
    made = network("people", "front", "back")
    folder = tmp_path / "redis"
    folder.mkdir()
    server = made.call("back", RedisServer, folder, "--protected-mode", "no", host=made.address("back"))
    yield made, server
    server.kill()


@pytest.mark.parametrize("seconds", [2, 7], ids=["shorter-than-a-lease", "longer-than-a-lease"])
def test_a_cut_between_interface_server_and_redis_closes_no_socket_and_loses_nothing(fleet, far_redis, seconds, report):
    """A18, A26, A27, B5, D15. One worker is cut off, too."""
    net, server = far_redis
    chat = fleet(REDIS_URL=server.url)
    chat.host = net.address("front")
    net.call("back", chat.add_worker)
    net.call("front", chat.add_worker)
    net.call("front", chat.add_web)
    with chat.company(lambda: net.enter("people")).invite("ab") as company:
        company.wait_until_talking()
        company.start_over()
        net.cut("back")
        time.sleep(seconds)  # So long it is cut: this is the trouble, not a wait for something.
        net.mend("back")
        report(company, whole=company.wait_until_whole(time.monotonic()))
    company.check()
    assert company.ends() == []
    assert chat.all_run()
    chat.stop()


def test_clients_whose_network_is_cut_are_found_out_by_pings_and_come_back_to_everything(fleet, far_redis, report):
    """D6, J5: in a busy room what is sent to the dead proves nothing."""
    net, server = far_redis
    chat = fleet(REDIS_URL=server.url)
    chat.host = net.address("front")
    net.call("back", chat.add_worker)
    net.call("front", chat.add_web, options="--ping-interval 2 --ping-timeout %d" % (2 * FACTOR))
    with (
        chat.company(lambda: net.enter("people")).invite("ab") as company,
        chat.company(lambda: net.enter("front")).invite("ab") as neighbours,
    ):
        company.silence = 3
        company.wait_until_talking()
        neighbours.wait_until_talking()
        neighbours.start_over()
        net.cut("people")
        wait_until(lambda: Presence.objects.count() == len(neighbours.talkers), "they are found to be gone", 20)
        neighbours.wait_until_talking()
        company.start_over()
        net.mend("people")
        whole = company.wait_until_whole(time.monotonic())
        neighbours.talking = company.talking = False
        report(neighbours)
        report(company, whole=whole)
        # What the others said last is theirs to hear, too.
        neighbours.fall_silent()
    assert neighbours.ends() == [], "who was not cut off noticed nothing"
    assert set(company.ends()) == {BROKEN}
    assert len(company.ends()) == len(company.talkers)
    company.check(neighbours)
    chat.stop()
