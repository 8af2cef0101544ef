"""
What a thread of a worker does next with the messages that it has taken, and where each of them is. It does nothing
itself: no thread, no clock, no channel layer.
"""

from collections.abc import Iterable
from enum import Enum
from typing import Any

from relay.dispatch import Run
from relay.layers.delivery import Delivery


class State(Enum):
    """Where a message is, from the moment that it is taken until the layer has been told what became of it."""

    #: It was taken, and its consumer has not been called.
    WAITING = "waiting"
    #: Its consumer has it, or had it just now.
    RUNNING = "running"
    #: What its consumer wants to send finds a channel full; or it comes behind such a one in its lane.
    HELD = "held"
    #: It is handled, and what comes of it is sent: the layer is to be told.
    DONE = "done"


class Scheduler:
    """
    The messages of one thread. A run is one message, or several that one consumer handles in one go.

    The messages of a lane are handled, and done, in the order in which they were taken. Each is in one state until it
    is told (`tell`), put back (`put_back`, `spare`) or given up (`give_up`): so nothing is forgotten.
    """

    def __init__(self) -> None:
        self.waiting: list[Run] = []
        self.running: Run | None = None
        self.held: list[Run] = []
        self.done: list[Delivery] = []

    @property
    def runs(self) -> list[Run]:
        """All that is not done, in the order in which it is to be."""
        return [*self.held, *([self.running] if self.running else []), *self.waiting]

    def where(self, delivery: Delivery) -> State | None:
        """The state of a message; None: it is none of these."""
        if any(delivery is other for other in self.done):
            return State.DONE
        if self.running is not None and delivery in self.running.deliveries:
            return State.RUNNING
        for state, runs in ((State.HELD, self.held), (State.WAITING, self.waiting)):
            if any(delivery in run.deliveries for run in runs):
                return state
        return None

    def add(self, runs: Iterable[Run]) -> None:
        """These were taken."""
        self.waiting += runs

    def begin(self) -> Run | None:
        """The next run, if there is one; it is the running one now, together with others of its batch consumer."""
        if not self.waiting:
            return None
        self.running = self.waiting.pop(0)
        passed: set[Any] = set()
        left = []
        for run in self.waiting:
            # What comes behind another message of its lane stays behind it.
            if self.running.takes(run) and not run.lanes & passed:
                self.running.join(run)
            else:
                passed |= run.lanes
                left.append(run)
        self.waiting = left
        return self.running

    def split(self, run: Run) -> None:
        """The running one is to be handled message by message, next."""
        self.waiting = run.split() + self.waiting
        self.running = None

    def settle(self, run: Run) -> None:
        """The consumer of the running one is through: it is held until what it wants to send is sent."""
        run.handled = True
        self.running = None
        self.held.append(run)

    def release(self) -> list[Run]:
        """
        Sort what is held, after something was sent: what has nothing left to send is done, and returned. What comes
        behind one in its lane that has, is held with it.
        """
        runs, self.held = self.held, []
        if any(run.sends for run in runs):
            runs, self.waiting = runs + self.waiting, []
        stuck: set[Any] = set()
        finished = []
        for run in runs:
            if run.sends or run.lanes & stuck:
                stuck |= run.lanes
                self.held.append(run)
            elif run.handled:
                finished.append(run)
                self.done += run.deliveries
            else:
                self.waiting.append(run)
        return finished

    def finish(self, run: Run) -> None:
        """The running one is done without more: it is a dead letter. Its lane goes on."""
        self.running = None
        self.done += run.deliveries

    def put_back(self, run: Run) -> None:
        """A run is given back to the layer, and so is all that comes behind it in its lanes."""
        if self.running is run:
            self.running = None
        self.waiting = [other for other in self.waiting if not other.lanes & run.lanes]
        self.held = [other for other in self.held if not other.lanes & run.lanes]

    def spare(self) -> list[Run]:
        """Runs that others may have, which are no longer here: what waits, and not behind something in its lane."""
        kept = set().union(*(run.lanes for run in self.runs if run not in self.waiting))
        free = [run for run in self.waiting if not run.lanes & kept]
        self.waiting = [run for run in self.waiting if run not in free]
        return free

    def tell(self) -> list[Delivery]:
        """What the layer is told now."""
        done, self.done = self.done, []
        return done

    def untold(self, done: list[Delivery]) -> None:
        """It was not told, or perhaps. What is told twice does no harm."""
        self.done = done + self.done

    def give_up(self) -> list[Run]:
        """All that is not done, which is no longer here."""
        runs = self.runs
        self.held, self.waiting, self.running = [], [], None
        return runs
