import pytest

from relay.names import StrictNames

names = StrictNames()


@pytest.mark.parametrize(
    "name", ["a", "websocket.receive", "chat-messages", "daphne.response.aB!", "x!y", "x?y", "a_1", "a" * 99]
)
def test_channel_names_of_asgi_are_taken(name):
    assert names.valid_channel_name(name)


@pytest.mark.parametrize("name", ["", "a b", "é", "a" * 100, "a\n", "٣", "a!b!c", "x?", "a/b", b"a", None])
def test_all_others_are_refused_by_name(name):
    """A24: a trailing newline and other scripts' digits too; no assert, so also under `python -O`."""
    with pytest.raises(TypeError, match="hannel name"):
        names.valid_channel_name(name)


def test_receiving_from_one_sockets_channel_is_refused():
    assert names.valid_channel_name("daphne.response.aB!", receive=True)
    with pytest.raises(TypeError, match="must end at the !"):
        names.valid_channel_name("daphne.response.aB!socket", receive=True)


@pytest.mark.parametrize("name", ["chat-lobby", "a.b_c-1", "a" * 99])
def test_group_names_of_asgi_are_taken(name):
    assert names.valid_group_name(name)


@pytest.mark.parametrize("name", ["", "chat-a b", "chat-é", "a" * 100, "chat-a\n", "chat-٣", "a!b", None])
def test_group_names_that_could_not_be_are_refused(name):
    with pytest.raises(TypeError, match="no group name"):
        names.valid_group_name(name)
