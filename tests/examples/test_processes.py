import re

from tests.waiting import wait_until


def worker_of(text):
    return int(re.search(r"Worker (\d+)", text)[1])


def workers(server):
    """The processes that handle messages. In memory there is only one process."""
    if server.layer == "memory":
        return {server.process.pid}
    return {process.pid for process in server.family() if process.cmdline()[-1] == "runworker"}


def test_answers_come_from_every_worker(server):
    seen = set()
    with server.tab("/processes/") as one, server.tab("/processes/") as two:
        assert "let you in" in one.next()
        assert "let you in" in two.next()

        def all_have_answered():
            one.say("who?")
            two.say("who?")
            seen.update(worker_of(tab.next()) for tab in (one, two))
            return seen >= workers(server)

        wait_until(all_have_answered, "every worker has answered")
    assert seen == workers(server)
    assert len(seen) == (1 if server.layer == "memory" else 2)


def test_a_view_is_called_by_a_worker_too(server):
    assert worker_of(server.get("/processes/").text) in workers(server)
