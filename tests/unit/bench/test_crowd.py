"""The load generator counts right: figures rest on it."""

import socket
import threading

import pytest

from bench.crowd import Crowd, Place

ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


def mark(number):
    return b"@@@@%09d" % number


@pytest.fixture
def meet():
    """A function that brings a socket of a crowd together with a server's end of it."""
    crowds = []

    def make(*steps, more=b""):
        listener = socket.create_server(("127.0.0.1", 0))
        ends = []

        def accept():
            end, _ = listener.accept()
            end.recv(65536)
            end.sendall(ACCEPT)
            for said, answer in steps:
                if said:
                    assert said in end.recv(65536)
                end.sendall(answer + more)
            ends.append(end)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        crowd = Crowd(listener.getsockname()[1])
        crowds.append(crowd)
        room = crowd.gather(Place("/", tuple(steps)), 1, patience=10)
        thread.join(10)
        (client,) = room.clients
        return crowd, room, client, ends[0]

    yield make
    for crowd in crowds:
        crowd.close()


def hear(crowd, end, *parts):
    total = 0
    for part in parts:
        end.sendall(part)
        total += crowd.listen_once(5)
    return total


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("cut", range(1, 40))
def test_a_message_counts_once_wherever_it_is_cut(meet, sampled, cut):
    crowd, room, client, end = meet()
    client.sampled = sampled
    for _ in range(3):
        room.next()
    data = b"\x81\x14x" + mark(1) + b"}" + mark(2) + b"\x81\x10" + mark(3)
    assert hear(crowd, end, data[:cut], data[cut:]) == 3
    assert client.count == 3
    assert (crowd.doubled, crowd.inverted, crowd.missing()) == (0, 0, 0)


def test_what_comes_twice_or_late_or_not_at_all_is_seen(meet):
    crowd, room, _, end = meet()
    for _ in range(6):
        room.next()
    hear(crowd, end, b"".join(map(mark, (1, 2, 2, 4, 3))))
    assert (crowd.doubled, crowd.inverted, crowd.missing()) == (1, 1, 1)


def test_lateness_counts_from_when_a_message_was_due(meet):
    crowd, room, _, end = meet()
    room.next(due=0.0)
    crowd.start_over()
    room.next()
    hear(crowd, end, mark(1) + mark(2))
    assert crowd.delays.get_total_count() == 1
    assert crowd.delays.get_max_value() < 5_000_000


def test_a_socket_is_in_when_it_has_heard_what_it_waits_for(meet):
    _, _, client, _ = meet((b"join", b"joined"), more=mark(1))
    assert client.steps is None
    assert client.count == 1


def test_a_socket_that_gets_in_nowhere_is_an_error():
    crowd = Crowd(socket.create_server(("127.0.0.1", 0)).getsockname()[1])
    with pytest.raises(OSError, match=r"refused|reset|did not get in"):
        crowd.gather(Place("/"), 1, patience=1)
