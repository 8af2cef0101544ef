"""
The WebSocket protocol itself, on raw sockets: what the Autobahn test suite asks, under its numbers. It needs Python 2,
so this is a table of our own, from RFC 6455.
"""

import struct

import pytest

from tests.interface import handshake, read_until

TEXT, BINARY, CLOSE, PING, PONG, MORE, FINAL = 1, 2, 8, 9, 10, 0, 0x80


def frame(opcode, payload=b"", final=True, reserved=0, mask=bytes(4)):
    """A frame of a client. mask None: without."""
    flag = 0 if mask is None else 0x80
    size = len(payload)
    if size < 126:
        length = bytes([flag | size])
    elif size < 65536:
        length = bytes([flag | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([flag | 127]) + size.to_bytes(8, "big")
    body = payload if mask is None else bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    return bytes([(FINAL if final else 0) | reserved | opcode]) + length + (mask or b"") + body


def close(code, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


BYE = close(1000)
HELLO = frame(TEXT, b"hello")
#: Number, what a client sends, what it hears before the close frame, and the code in that.
TABLE = [
    ("1.1.1", frame(TEXT) + BYE, [(TEXT, b"")], 1000),
    ("1.1.2", frame(TEXT, b"*" * 125) + BYE, [(TEXT, b"*" * 125)], 1000),
    ("1.1.3", frame(TEXT, b"*" * 126) + BYE, [(TEXT, b"*" * 126)], 1000),
    ("1.1.6", frame(TEXT, b"*" * 65535, mask=b"abcd") + BYE, [(TEXT, b"*" * 65535)], 1000),
    ("1.1.7", frame(TEXT, b"*" * 65536) + BYE, [(TEXT, b"*" * 65536)], 1000),
    ("1.2.2", frame(BINARY, b"\xfe" * 125, mask=b"\xff\x01\x80\x7f") + BYE, [(BINARY, b"\xfe" * 125)], 1000),
    ("2.1", frame(PING) + BYE, [(PONG, b"")], 1000),
    ("2.3", frame(PING, b"\x00\xff\xfe") + BYE, [(PONG, b"\x00\xff\xfe")], 1000),
    ("2.4", frame(PING, b"*" * 125) + BYE, [(PONG, b"*" * 125)], 1000),
    ("2.5", frame(PING, b"*" * 126), [], 1002),
    ("2.7", frame(PONG) + BYE, [], 1000),
    ("2.9", frame(PONG, b"unasked") + frame(PING, b"asked") + BYE, [(PONG, b"asked")], 1000),
    ("2.10", b"".join(frame(PING, b"%d" % n) for n in range(10)) + BYE, [(PONG, b"%d" % n) for n in range(10)], 1000),
    ("3.1", frame(TEXT, b"hello", reserved=0x10), [], 1002),
    ("3.2", HELLO + frame(TEXT, b"hello", reserved=0x20), [(TEXT, b"hello")], 1002),
    ("3.4", HELLO + frame(TEXT, b"hello", reserved=0x40), [(TEXT, b"hello")], 1002),
    ("3.6", frame(BINARY, b"hello", reserved=0x60), [], 1002),
    ("3.7", frame(CLOSE, reserved=0x70), [], 1002),
    *[("4.1.%d" % n, frame(n, b"x"), [], 1002) for n in range(3, 8)],
    *[("4.2.%d" % n, HELLO + frame(n), [(TEXT, b"hello")], 1002) for n in range(11, 16)],
    ("5.1", frame(PING, b"a", final=False) + frame(MORE, b"b"), [], 1002),
    ("5.3", frame(TEXT, b"a", final=False) + frame(MORE, b"b") + BYE, [(TEXT, b"ab")], 1000),
    (
        "5.6",
        frame(TEXT, b"a", final=False) + frame(PING, b"p") + frame(MORE, b"b") + BYE,
        [(PONG, b"p"), (TEXT, b"ab")],
        1000,
    ),
    ("5.9", frame(MORE, b"b"), [], 1002),
    ("5.11", frame(MORE, b"b", final=False) + HELLO, [], 1002),
    ("5.15", frame(TEXT, b"a", final=False) + frame(MORE, b"b") + frame(MORE, b"c"), [(TEXT, b"ab")], 1002),
    ("5.18", frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), [], 1002),
    ("6.1.2", frame(TEXT, final=False) + frame(MORE, final=False) + frame(MORE) + BYE, [(TEXT, b"")], 1000),
    ("6.2.1", frame(TEXT, "κόσμε".encode()) + BYE, [(TEXT, "κόσμε".encode())], 1000),
    # A character in two frames.
    ("6.2.3", frame(TEXT, b"\xce", final=False) + frame(MORE, b"\xba") + BYE, [(TEXT, b"\xce\xba")], 1000),
    ("6.3.1", frame(TEXT, b"\xce\xba\xed\xa0\x80edited"), [], 1007),
    # It fails with the frame that is wrong, and waits for no other.
    ("6.4.1", frame(TEXT, b"\xce\xba\xf4", final=False) + frame(MORE, b"\x90\x80\x80", final=False), [], 1007),
    ("6.6.1", frame(TEXT, b"\xce"), [], 1007),
    ("6.11.1", frame(TEXT, b"\xc0\xaf"), [], 1007),
    ("6.12.1", frame(TEXT, b"\xf7\xbf\xbf\xbf"), [], 1007),
    ("6.20.1", frame(TEXT, b"\xed\xa0\x80"), [], 1007),
    ("7.1.1", HELLO + BYE, [(TEXT, b"hello")], 1000),
    ("7.1.3", BYE + frame(PING), [], 1000),
    ("7.1.4", BYE + HELLO, [], 1000),
    ("7.3.1", frame(CLOSE), [], 1000),
    ("7.3.2", frame(CLOSE, b"a"), [], 1002),
    ("7.3.5", close(1000, b"*" * 123), [], 1000),
    ("7.3.6", close(1000, b"*" * 124), [], 1002),
    ("7.5.1", close(1000, b"\xce\xba\xed\xa0\x80"), [], 1007),
    # Answered with 1000: a server may echo the code, or not.
    *[("7.7.%d" % code, close(code), [], 1000) for code in (1001, 1003, 1007, 1011, 3000, 3999, 4000, 4999)],
    *[("7.9.%d" % code, close(code), [], 1002) for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)],
    ("9.1.1", frame(TEXT, b"*" * 2**18) + BYE, [(TEXT, b"*" * 2**18)], 1000),
    ("9.7.1", bytes([0x81, 0xFF]) + (2**40).to_bytes(8, "big") + bytes(4), [], 1009),
    ("9.7.2", bytes([0x81, 0xFF]) + (2**63).to_bytes(8, "big") + bytes(4), [], 1002),
    ("9.7.3", bytes([0x81, 0xFE, 0, 5]) + bytes(4) + b"short", [], 1002),
    ("10.1.1", frame(TEXT, b"hello", mask=None), [], 1002),
]


def frames(data):
    """The frames of a server, which must be whole: opcode and payload."""
    found = []
    while data:
        opcode, size, start = data[0] & 0x0F, data[1], 2
        assert data[0] & 0xF0 == FINAL, "in one piece, without reserved bits"
        assert size < 128, "not masked"
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        found.append((opcode, data[start : start + size]))
        data = data[start + size :]
    return found


@pytest.fixture
def echo(serve, settings_override):
    settings_override(RELAY_FRAME_RATE=0)
    server = serve()

    def answer(message):
        server.app.reply(message, **{key: message[key] for key in ("text", "bytes") if message.get(key) is not None})

    server.app.on["websocket.receive"] = answer
    return server


@pytest.mark.parametrize(("number", "sent", "heard", "code"), TABLE, ids=[row[0] for row in TABLE])
def test_the_protocol_is_spoken_as_the_rfc_has_it(echo, number, sent, heard, code):
    with echo.raw(handshake()) as connection:
        head = read_until(connection, b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        # What is to be answered is answered before the close frame comes, which would overtake it.
        said, _, last = sent.rpartition(BYE) if sent.endswith(BYE) else (b"", b"", sent)
        connection.sendall(said or last)
        data = head.partition(b"\r\n\r\n")[2]
        if said:
            while len(frames_if_whole(data)) < len(heard):
                data += connection.recv(65536)
            connection.sendall(BYE)
        while part := receive(connection):
            data += part
    *others, (opcode, payload) = frames(data)
    assert opcode == CLOSE
    assert int.from_bytes(payload[:2], "big") == code
    # Answers of the application may still be on their way when the server fails a connection.
    assert others == heard if said else others == heard[: len(others)]


def frames_if_whole(data):
    try:
        found = frames(data)
    except IndexError:
        return []
    return found if sum(len(payload) for _, payload in found) <= len(data) and is_whole(data) else found[:-1]


def is_whole(data):
    """Whether the last frame is there to its end."""
    while data:
        if len(data) < 2:
            return False
        size, start = data[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start], "big")
        if len(data) < start + size:
            return False
        data = data[start + size :]
    return True


def receive(connection):
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""
