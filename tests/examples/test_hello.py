import requests


def test_every_path_is_answered_with_itself(server):
    assert server.get("/hello/").text == "Hello world! You asked for /hello/"
    assert server.get("/hello/any/pâth").text == "Hello world! You asked for /hello/any/pâth"


def test_any_method_is_answered(server):
    assert requests.post(server.url("/hello/x"), timeout=20).text == "Hello world! You asked for /hello/x"


def test_a_path_that_looks_like_html_is_text(memory_server):
    answer = memory_server.get("/hello/<script>alert(1)</script>")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.endswith("/hello/<script>alert(1)</script>")
