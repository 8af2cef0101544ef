"""What the load generator itself can do: read from a server that only sends, and say to one that only discards."""

import multiprocessing
import select
import socket
import time

from bench.crowd import MARK, Crowd, Place, masked
from bench.deployments import BARE_LENGTH

#: Sockets, and seconds for each of the two.
SOCKETS, SECONDS = 100, 2.0
ACCEPT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
#: A server's frame of the usual size; a message for the sampled, too.
FRAME = b"\x81\x7e" + BARE_LENGTH.to_bytes(2, "big") + (MARK + b"%09d" % 0).ljust(BARE_LENGTH, b"x")


def serve(listener: socket.socket, floods: bool) -> None:
    """Accept all; then send frames as fast as they are taken, or read and forget."""
    sockets = []
    for _ in range(SOCKETS):
        accepted, _ = listener.accept()
        accepted.recv(65536)
        accepted.sendall(ACCEPT)
        accepted.setblocking(False)
        sockets.append(accepted)
    files = {each.fileno(): each for each in sockets}
    poll = select.epoll()
    for number in files:
        poll.register(number, select.EPOLLOUT if floods else select.EPOLLIN)
    while True:
        for number, _ in poll.poll(1):
            try:
                files[number].send(FRAME * 16) if floods else files[number].recv(65536)
            except BlockingIOError:
                continue
            except OSError:
                return


def ceilings() -> dict[str, float]:
    """Messages for each second of the generator's core: read, and said."""
    read = meet(True, lambda crowd: crowd.listen(SECONDS))
    frame = masked(b"x" * BARE_LENGTH)

    def say(crowd: Crowd) -> int:
        clients, end, count = list(crowd.clients.values()), time.perf_counter() + SECONDS, 0
        for client in clients:
            client.file.setblocking(True)
        while time.perf_counter() < end:
            for client in clients:
                client.file.sendall(frame)
            count += len(clients)
        return count

    return {"messages read per CPU s": read, "messages said per CPU s": meet(False, say)}


def meet(floods: bool, act) -> float:  # type: ignore[no-untyped-def]
    """What a crowd does with such a server, for each second of its CPU."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=SOCKETS)
    process = multiprocessing.get_context("fork").Process(target=serve, args=(listener, floods), daemon=True)
    process.start()
    crowd = Crowd(listener.getsockname()[1])
    try:
        crowd.gather(Place("/"), SOCKETS)
        began = time.process_time()
        return act(crowd) / (time.process_time() - began)
    finally:
        crowd.close()
        process.kill()
        process.join()
        listener.close()
