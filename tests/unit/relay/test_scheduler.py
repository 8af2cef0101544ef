"""What a worker's thread does next, and where each message is, by random schedules and without a thread."""

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from relay.scheduler import Scheduler, State
from tests.fuzz import EXAMPLES


class Taken:
    """A message: its lane, and its place there."""

    def __init__(self, lane, place):
        self.lane, self.place = lane, place

    def __repr__(self):
        return "%s%d" % (self.lane, self.place)


class Job:
    """A run, as far as a scheduler looks at it."""

    def __init__(self, messages, batch):
        self.deliveries = list(messages)
        self.batch = batch
        self.alone = self.handled = False
        self.sends = []

    @property
    def lanes(self):
        return {message.lane for message in self.deliveries}

    def takes(self, other):
        return self.batch and other.batch and not (self.alone or other.alone)

    def join(self, other):
        self.deliveries += other.deliveries

    def split(self):
        jobs = [Job([message], self.batch) for message in self.deliveries]
        for job in jobs:
            job.alone = True
        return jobs


class Schedule(RuleBasedStateMachine):
    @initialize()
    def begin_work(self):
        self.scheduler = Scheduler()
        self.places = defaultdict(int)
        #: Messages that are here, in the order in which they were taken.
        self.here = []

    def gone(self, messages):
        self.here = [message for message in self.here if message not in messages]

    def end_running(self):
        while self.scheduler.running is not None:
            self.scheduler.settle(self.scheduler.running)
            self.scheduler.release()

    @rule(lanes=st.lists(st.sampled_from("abc"), max_size=6), batch=st.booleans())
    def take(self, lanes, batch):
        self.end_running()
        for lane in sorted(lanes):
            self.places[lane] += 1
            message = Taken(lane, self.places[lane])
            self.here.append(message)
            self.scheduler.add([Job([message], batch)])

    @rule()
    def begin(self):
        self.end_running()
        job = self.scheduler.begin()
        for message in job.deliveries if job else []:
            before = [m for m in self.here if m.lane == message.lane and m.place < message.place]
            states = {self.scheduler.where(m) for m in before}
            assert states <= {State.DONE, State.RUNNING}, "what comes before it in its lane is done, or begins with it"

    @rule(sends=st.integers(0, 2))
    def settle(self, sends):
        job = self.scheduler.running
        if job is not None:
            job.sends = [object()] * sends
            self.scheduler.settle(job)
            self.scheduler.release()

    @rule()
    def split(self):
        if self.scheduler.running is not None:
            self.scheduler.split(self.scheduler.running)

    @rule()
    def finish(self):
        if self.scheduler.running is not None:
            self.scheduler.finish(self.scheduler.running)

    @rule(which=st.integers(0, 5))
    def put_back(self, which):
        jobs = [job for job in self.scheduler.runs if job.handled or job is self.scheduler.running]
        if jobs:
            job = jobs[which % len(jobs)]
            lanes = job.lanes
            mixed = [other for other in self.scheduler.runs if other.lanes & lanes]
            assert all(other.lanes <= lanes for other in mixed), "the layer is told of all that goes away"
            self.scheduler.put_back(job)
            self.gone([message for other in mixed for message in other.deliveries])

    @rule(keep=st.integers(0, 2))
    def send(self, keep):
        for job in self.scheduler.held:
            job.sends = job.sends[:keep]
        done = self.scheduler.release()
        assert all(job.handled and not job.sends for job in done)

    @rule()
    def spare(self):
        running = self.scheduler.running
        others = [job for job in self.scheduler.runs if job is running or job in self.scheduler.held]
        free = self.scheduler.spare()
        kept = {lane for job in others for lane in job.lanes}
        assert not any(job.lanes & kept for job in free), "nothing goes away that comes behind what stays"
        self.gone([message for job in free for message in job.deliveries])

    @rule(fails=st.booleans())
    def tell(self, fails):
        done = self.scheduler.tell()
        if fails:
            self.scheduler.untold(done)
        else:
            self.gone(done)

    @rule()
    def give_up(self):
        self.gone([message for job in self.scheduler.give_up() for message in job.deliveries])

    @invariant()
    def each_message_is_in_one_place(self):
        if not hasattr(self, "here"):
            return
        known = [*self.scheduler.done, *(message for job in self.scheduler.runs for message in job.deliveries)]
        assert len(known) == len(set(known))
        assert set(known) == set(self.here), "nothing is forgotten"
        assert all(self.scheduler.where(message) is not None for message in self.here)

    @invariant()
    def lanes_are_done_in_order(self):
        for lane in "abc" if hasattr(self, "here") else "":
            states = [self.scheduler.where(message) for message in self.here if message.lane == lane]
            first = next((place for place, state in enumerate(states) if state is not State.DONE), len(states))
            assert State.DONE not in states[first:]


def test_nothing_that_was_taken_is_forgotten_or_overtaken_whatever_comes_of_it():
    run_state_machine_as_test(
        Schedule, settings=settings(max_examples=max(100, EXAMPLES), stateful_step_count=40, deadline=None)
    )
