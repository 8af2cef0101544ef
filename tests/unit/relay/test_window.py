"""The window of a long response, against a model, in random schedules."""

from hypothesis import given
from hypothesis import strategies as st

from relay.window import Window

SIZE, PART = 1000, 400
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, PART)),
        st.tuples(st.just("take"), st.integers(0, PART)),
        st.tuples(st.just("hear"), st.integers(0, 50)),
        st.just(("leave", 0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_what_is_on_its_way_is_bounded_and_never_stuck(steps):
    """Messages of the interface server come late, twice, out of order, or never."""
    window, taken, left = Window(SIZE), 0, False
    mail = []
    for what, number in steps:
        if what == "send" and window.is_open:
            window.note_sent(number)
        elif what == "take":
            taken = min(window.sent, taken + number)
            mail.append({"taken": taken})
        elif what == "hear" and mail:
            window.note(mail[number % len(mail)])
        elif what == "leave":
            left = True
            window.note({"gone": True})
        assert window.sent - taken < SIZE + PART
        assert window.taken <= taken
        assert not (left and window.is_open)
    # The last word, which is repeated until it is heard, opens it again.
    window.note({"taken": window.sent})
    assert window.is_open is not left


def test_a_message_that_says_too_much_opens_no_more_than_the_window():
    window = Window(SIZE)
    window.note({"taken": 10**9})
    window.note_sent(SIZE)
    assert not window.is_open
