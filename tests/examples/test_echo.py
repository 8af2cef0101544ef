from tests.examples.servers import new_name


def test_two_tabs_each_see_what_both_say(server):
    ours, theirs = new_name("ours "), new_name("theirs ")
    with server.tab("/echo/") as one, server.tab("/echo/") as two:
        one.say(ours)
        one.hear(ours)
        two.hear(ours)
        two.say(theirs)
        one.hear(theirs)
        two.hear(theirs)


def test_a_tab_that_closes_takes_nobody_with_it(server):
    text = new_name("still here ")
    with server.tab("/echo/") as one:
        with server.tab("/echo/") as two:
            two.say(text)
            one.hear(text)
        one.say(text + " again")
        one.hear(text + " again")


def test_a_binary_frame_harms_nobody(memory_server):
    text = new_name("after ")
    with memory_server.tab("/echo/") as one:
        one.say(b"\x00\x01")
        one.say(text)
        one.hear(text)
