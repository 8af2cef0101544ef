"""What processes say of themselves, on every layer."""

from relay.layers.upkeep import NOTES
from tests.waiting import wait_until


def test_what_a_process_says_of_itself_holds_for_a_while(make_layer):
    """Kinds are kept apart. A worker that says that it ends is gone at once; one that says no more, after its time."""
    layer = make_layer(lease=1)
    for kind in NOTES:
        layer.note(kind, "one", {"kind": kind, "samples": "x" * 5000}, 60)
    layer.note("worker", "two", {"channels": ["a"]}, 0.5)
    other = make_layer()
    assert {kind: other.notes(kind)["one"]["kind"] for kind in NOTES} == {kind: kind for kind in NOTES}
    assert other.workers().keys() <= {"one", "two"}
    wait_until(lambda: other.workers().keys() == {"one"}, "who says nothing is forgotten")
    layer.note("worker", "one", {}, 0)
    assert other.workers() == {}
    assert other.notes("interface").keys() == {"one"}
    layer.note_worker("three", {"channels": []}, 60)
    assert other.notes("worker") == {"three": {"channels": []}}
