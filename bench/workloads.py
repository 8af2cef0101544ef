"""What is done with a deployment, and what is measured of it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.crowd import Client, Crowd, Room
from bench.deployments import Deployment
from bench.parley import Parley

#: Seconds before anything is counted, and for which late messages are waited for at the end.
WARM_UP, DRAIN = 2.0, 10.0
#: Messages that are worth a figure: slow servers have up to so many times as long to say them.
ENOUGH, PATIENCE = 40, 4
#: The open loop offers this part of what the closed loop did.
LOAD = 0.5
#: Messages that are said while an interface server is away.
BACKLOG = 100
#: A row is void if the generator used more of its core.
LIMIT = 0.8

#: Figures by their names.
Row = dict[str, float]


@dataclass(frozen=True)
class Scale:
    """How long and how large: all of it, or --quick."""

    seconds: float = 3.0
    crowd: int = 1000
    large_crowd: int = 5000
    idle_sockets: int = 5000
    stormers: int = 500
    connections: int = 1000


QUICK = Scale(seconds=2.0, crowd=300, large_crowd=1000, idle_sockets=1000, stormers=100, connections=300)


def talk(deployment: Deployment, rooms: int, size: int, in_flight: int, seconds: float) -> Row:
    """
    So many rooms of that size; the first in each keeps so many messages on their way: a closed loop, what can be done.
    Then half of that is said at even times, whatever comes back: an open loop, how late each message is, from the time
    at which it was due.
    """
    crowd = Crowd(deployment.port)
    try:
        fill_rooms(crowd, deployment, rooms, size)
        row = closed_loop(crowd, deployment, in_flight, seconds)
        drain(crowd, deployment)
        crowd.start_over()
        open_loop(crowd, deployment, LOAD * row["messages/s"], seconds)
        drain(crowd, deployment)
        return row | lateness(crowd) | agreement(crowd)
    finally:
        crowd.close()


def fill_rooms(crowd: Crowd, deployment: Deployment, rooms: int, size: int) -> None:
    """Open so many rooms of that size, until what is said in each is heard by all who are there."""
    crowd.rooms += [Room(deployment.place("room-%d" % number)) for number in range(rooms)]
    crowd.fill([(room, size) for room in crowd.rooms])
    settle(crowd, deployment)


def settle(crowd: Crowd, deployment: Deployment) -> None:
    """Say something in each room until all hear it: some servers let sockets into rooms after they are accepted."""
    deadline = time.monotonic() + 60
    waiting = list(crowd.rooms)
    while waiting:
        if time.monotonic() > deadline:
            raise TimeoutError("not all sockets hear what is said in their rooms")
        before = {client: client.count for room in waiting for client in room.clients}
        for room in waiting:
            for _ in range(deployment.batch):
                deployment.say(room.clients[0])
        crowd.listen(1)
        waiting = [room for room in waiting if any(client.count == before[client] for client in room.clients)]
    # What is still on its way must not count for what is said from now on.
    while crowd.listen(0.5):
        continue
    for room in crowd.rooms:
        # Who says something waits until it can: half a frame would be worse.
        room.clients[0].file.setblocking(True)
        for client in room.clients:
            # What was said before all were there was not for all.
            client.count = room.said


def closed_loop(crowd: Crowd, deployment: Deployment, in_flight: int, seconds: float, warm_up: float = WARM_UP) -> Row:
    """Each sender says the next message when one has come back; so many more are put on their way at the beginning."""
    senders = {room.clients[0] for room in crowd.rooms}

    def answer(client: Client, count: int) -> None:
        if client in senders:
            for _ in range(count):
                deployment.say(client)

    def said() -> int:
        return sum(sender.count for sender in senders)

    for sender in senders:
        for _ in range(in_flight):
            deployment.say(sender)
    crowd.listen(warm_up, answer)
    crowd.start_over()
    cpu, server, began = deployment.cpu(), deployment.cpu_of_servers(), time.perf_counter()
    before = said()
    deliveries = crowd.listen(seconds, answer)
    while said() - before < ENOUGH and time.perf_counter() - began < PATIENCE * seconds:
        deliveries += crowd.listen(seconds, answer)
    clock = time.perf_counter() - began
    used = deployment.cpu() - cpu
    return {
        "messages/s": (said() - before) / clock,
        "deliveries/s": deliveries / clock,
        "deliveries per CPU s": deliveries / max(used, 0.001),
        "deliveries per server CPU s": deliveries / max(deployment.cpu_of_servers() - server, 0.001),
        "cores": used / clock,
        "generator": crowd.cpu / clock,
    }


def open_loop(crowd: Crowd, deployment: Deployment, rate: float, seconds: float) -> None:
    """Say so many messages a second, each when it is due, by turns in each room."""
    began, end = time.perf_counter(), time.perf_counter() + seconds
    for number, room in enumerate(endlessly(crowd.rooms)):
        due = began + number / rate
        if due >= end:
            return
        while (left := due - time.perf_counter()) > 0:
            crowd.listen_once(left)
        deployment.say(room.clients[0], due)


def endlessly(rooms: list[Room]) -> Iterator[Room]:
    while True:
        yield from rooms


def drain(crowd: Crowd, deployment: Deployment) -> None:
    """Wait for what is still on its way."""
    deployment.flush()
    deadline = time.monotonic() + DRAIN
    while crowd.missing() and time.monotonic() < deadline:
        crowd.listen(0.1)


def lateness(crowd: Crowd) -> Row:
    """In milliseconds."""
    delays = crowd.delays
    if not delays.get_total_count():
        return {}
    return {
        "p50 ms": delays.get_value_at_percentile(50) / 1000,
        "p99 ms": delays.get_value_at_percentile(99) / 1000,
        "worst ms": delays.get_max_value() / 1000,
    }


def agreement(crowd: Crowd) -> Row:
    return {"lost": crowd.missing(), "doubled": crowd.doubled, "inverted": crowd.inverted}


def idle(deployment: Deployment, seconds: float) -> Row:
    """One room of two; a message every 25 ms, whatever comes back."""
    crowd = Crowd(deployment.port)
    try:
        fill_rooms(crowd, deployment, 1, 2)
        crowd.start_over()
        cpu, began = deployment.cpu(), time.perf_counter()
        open_loop(crowd, deployment, 40, max(seconds, 5))
        drain(crowd, deployment)
        row = {"cores": (deployment.cpu() - cpu) / (time.perf_counter() - began)}
        return row | lateness(crowd) | agreement(crowd)
    finally:
        crowd.close()


def connections(deployment: Deployment, count: int) -> Row:
    """Sockets that come 64 at a time; with Parley each is let in, gets a name, and has a page of history."""
    crowd = Crowd(deployment.port)
    try:
        crowd.gather(deployment.place_with_history("room-0"), 64)
        cpu, began = deployment.cpu(), time.perf_counter()
        crowd.fill([(crowd.rooms[0], count)])
        clock = time.perf_counter() - began
        return {"connections/s": count / clock, "connections per CPU s": count / max(0.001, deployment.cpu() - cpu)}
    finally:
        crowd.close()


def memory(deployment: Deployment, count: int) -> Row:
    """What a socket costs that says nothing, of the processes that hold them."""
    crowd = Crowd(deployment.port)
    try:
        crowd.gather(deployment.place("room-0"), 200)
        before = deployment.memory()
        crowd.fill([(Room(deployment.place("room-%d" % number)), 100) for number in range(1, count // 100 + 1)], 300)
        crowd.listen(3)  # Whatever was only needed for the handshakes may go.
        return {"KB per socket": (deployment.memory() - before) / count / 1024}
    finally:
        crowd.close()


def storm(deployment: Deployment, count: int) -> Row:
    """
    The interface server is killed, and all its sockets come back to a new one, and have what was said meanwhile on
    another: how long that takes from the moment when it listens again.
    """
    if not isinstance(deployment, Parley):
        raise NotImplementedError("%s keeps no backlog" % deployment.title)
    other = deployment.start_server_elsewhere()
    crowd, talkers = Crowd(deployment.port), Crowd(other)
    try:
        room = crowd.gather(deployment.place("room-0"), count)
        talking = talkers.gather(deployment.place("room-0"), 1)
        for _ in range(BACKLOG):
            deployment.say(talking.clients[0])
        while min(client.count for client in [*room.clients, *talking.clients]) < BACKLOG:
            talkers.listen(0.05)
            crowd.listen(0.05)
        deployment.kill_server()
        crowd.close()
        for _ in range(BACKLOG):
            deployment.say(talking.clients[0])
        while talking.clients[0].count < 2 * BACKLOG:
            talkers.listen(0.05)
        deployment.start_server()
        deployment.wait_until_up()
        return come_back(deployment, count)
    finally:
        crowd.close()
        talkers.close()


def come_back(deployment: Parley, count: int) -> Row:
    """All at once, each with the number that it has, until each has the rest."""
    crowd = Crowd(deployment.port)
    cpu, began = deployment.cpu(), time.perf_counter()
    try:
        room = crowd.gather(deployment.place_since("room-0", BACKLOG), count)
        while any(client.count < BACKLOG for client in room.clients) and time.perf_counter() - began < 120:
            crowd.listen(0.05)
        clock = time.perf_counter() - began
        lost = sum(max(0, BACKLOG - client.count) for client in room.clients)
        doubled = sum(max(0, client.count - BACKLOG) for client in room.clients)
        return {"all back s": clock, "cores": (deployment.cpu() - cpu) / clock, "lost": lost, "doubled": doubled}
    finally:
        crowd.close()


#: Name → what it does, and what it is.
WORKLOADS: dict[str, tuple[str, Callable[[Deployment, Scale], Row]]] = {
    "fan-out": ("1 room of {crowd}, 16 on their way", lambda d, s: talk(d, 1, s.crowd, 16, s.seconds)),
    "large fan-out": (
        "1 room of {large_crowd}, 16 on their way",
        lambda d, s: talk(d, 1, s.large_crowd, 16, s.seconds),
    ),
    "small rooms": ("50 rooms of 2, 1 on its way in each", lambda d, s: talk(d, 50, 2, 1, s.seconds)),
    "medium rooms": ("10 rooms of 100, 4 on their way in each", lambda d, s: talk(d, 10, 100, 4, s.seconds)),
    "hot room": ("1 room of 2, 50 on their way", lambda d, s: talk(d, 1, 2, 50, s.seconds)),
    "idle": ("1 room of 2, 40 messages a second", lambda d, s: idle(d, s.seconds)),
    "connections": ("{connections} sockets, 64 at a time", lambda d, s: connections(d, s.connections)),
    "storm": ("{stormers} sockets of a killed server, 100 messages behind", lambda d, s: storm(d, s.stormers)),
    "memory": ("{idle_sockets} idle sockets", lambda d, s: memory(d, s.idle_sockets)),
}
