"""
The work of one thread of a worker: it takes messages, has them handled, sends what comes of it, and acknowledges.

Which message comes next, and where each is, is up to `relay.scheduler`. The layer is told of what is done with the next
take. Whatever has not been told when the process dies is delivered again.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from channels.message import Message

from relay import conf, databases
from relay.dispatch import POSTPONE_LIMIT, Run, postpone, send_or_drop
from relay.layers import acknowledge, be_patient, give_back, leases, leave, take
from relay.layers.delivery import Delivery
from relay.metrics.drops import DROPPED
from relay.metrics.work import timed
from relay.outbox import Late, is_local, send_all
from relay.scheduler import Scheduler
from relay.tally import Tally
from relay.traces import about

logger = logging.getLogger(__name__)

#: Messages that are taken at once: as many as are handled in TURN seconds, so that none waits long in one worker's
#: hands while another has nothing to do; and no more than LIMIT.
TURN, LIMIT = 0.03, 200
#: Seconds after which the layer is told what is done though there is more to do.
TELL_AFTER = 0.02
#: Seconds between two tries to send to a full channel; and runs that may be held before only full channels are read.
RESEND, HELD_LIMIT = 0.05, 50
#: Seconds between two looks at a layer that does not wait.
NAP = 0.01
#: Seconds of the first and the longest pause after a turn that failed.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
#: Characters of a traceback that are kept with a dead letter: its end.
REASON_LIMIT = 8000


class Hands:
    """
    Run `work` in a thread. Other threads may call `stop`, `let_others` and `give_up`.

    layer: Channels' wrapper of a channel layer.
    """

    def __init__(
        self, layer: Any, channels: Iterable[str], callback: Callable[[str, Message], None] | None = None
    ) -> None:
        self.layer = layer
        self.channels = list(channels)
        self.callback = callback
        self.tally = Tally()
        self.stopping = threading.Event()
        #: Guards the scheduler, which `let_others` comes to from another thread.
        self.lock = threading.RLock()
        self.scheduler = Scheduler()
        self.running_since = self.taken_at = 0.0
        self.late = Late()
        self.told_at = 0.0
        #: Whether the layer must be told that this thread has nothing, whatever it was given.
        self.leaving = False
        self.resend_at = 0.0
        #: Seconds that a message takes, lately.
        self.pace = 0.001

    # The thread's own

    def work(self) -> None:
        """Until `stop` is called. Nothing that a message, consumer, database or layer does ends it."""
        be_patient(self.layer)
        pause = FIRST_PAUSE
        while not self.stopping.is_set():
            if self.try_turn(pause):
                pause = FIRST_PAUSE
            else:
                self.stopping.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        self.finish()

    def try_turn(self, pause: float) -> bool:
        """`turn`; False if it failed, and the next one should come after a pause."""
        try:
            self.turn()
            return True
        except Exception:
            logger.exception("A turn failed; what was taken is given back, and the next turn comes in %.1f s", pause)
        self.attempt(self.give_up)
        return False

    def attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:
            logger.exception("A worker could not see to what it had; it is delivered again")

    def turn(self) -> None:
        """Take messages and handle them."""
        if self.leaving:
            self.leave()
        taken = self.take(self.wanted(), block=not self.scheduler.held and not self.late)
        self.taken_at = started = time.monotonic()
        with self.lock:
            self.scheduler.add([Run(self.layer, [delivery]).find_consumer() for delivery in taken])
        self.tally.redelivered.update(delivery.channel for delivery in taken if delivery.content.attempts > 1)
        while not self.stopping.is_set() and (run := self.begin()) is not None:
            self.handle(run)
            self.tell(only_if_late=True)
        if taken:
            took = time.monotonic() - started
            self.tally.busy += took
            self.pace += (took / len(taken) - self.pace) / 4
        elif not leases(self.layer):
            self.stopping.wait(NAP)
        if self.scheduler.held or self.late:
            self.resend(patiently=not taken)

    def take(self, channels: list[str], block: bool) -> list[Delivery]:
        done = self.scheduler.tell()
        try:
            self.told_at = time.monotonic()
            return take(self.layer, channels, max(1, min(LIMIT, int(TURN / self.pace))), block, done)
        except BaseException:
            self.scheduler.untold(done)
            raise

    def wanted(self) -> list[str]:
        """The channels to read. If too much waits for full channels, only those: someone must make room."""
        if len(self.scheduler.held) < HELD_LIMIT:
            return self.channels
        full = self.full()
        return [channel for channel in self.channels if channel in full]

    def full(self) -> set[str]:
        """Names of channels that refused what is held."""
        return {target.name for run in self.scheduler.held for target, _ in run.sends if run.refused_at is not None}

    def begin(self) -> Run | None:
        with self.lock:
            run = self.scheduler.begin()
            self.running_since = time.monotonic()
            return run

    def handle(self, run: Run) -> None:
        """Have it handled, and see to what comes of it."""
        if self.callback is not None:
            for message in run.messages:
                self.callback(run.channel, message)
        timed(run)
        if run.trouble is not None and (run.answer or leases(self.layer)):
            self.put_off(run, run.trouble)
        elif (run.error is not None or run.later) and len(run.deliveries) > 1:
            # One bad message must not take the others with it.
            with self.lock:
                self.scheduler.split(run)
        elif run.error is not None:
            self.fail(run, run.error)
        elif run.later:
            # That is no failure, so it is asked for as often as elsewhere, on channels that have fewer tries too.
            self.rest(run, "Its consumer wants it at another time (ConsumeLater)", self.layer_limit())
        else:
            self.tally.handled[run.channel] += len(run.deliveries)
            self.settle(run)

    def put_off(self, run: Run, trouble: databases.Trouble) -> None:
        """What failed is not its fault, so that isn't counted: it comes again, or its client does."""
        self.tally.waited += len(run.deliveries)
        how = "wait (%s)" % trouble.name if not run.answer else "are answered that they should try again later"
        logger.warning("%d messages on %s %s: %s", len(run.deliveries), run.channel, how, databases.said(run.error))
        if run.answer:
            run.sends = run.answer
            self.settle(run)
        else:
            self.put_back(run, "", trouble.rest)

    def fail(self, run: Run, error: BaseException) -> None:
        """Its consumer raised: it is tried again later, or its client is told, and in the end it is a dead letter."""
        self.tally.failed[run.channel] += 1
        with about(run.traces):
            logger.error("A message on %s failed%s", run.channel, self.what_next(run), exc_info=error, extra=ids(run))
        if run.answer or not leases(self.layer):
            run.sends = run.answer
            self.settle(run)
        else:
            self.rest(run, "".join(traceback.format_exception(error))[-REASON_LIMIT:], self.limit_of(run))

    def what_next(self, run: Run) -> str:
        """For the log."""
        content = run.deliveries[0].content
        if run.answer:
            return "; its client is told"
        if not leases(self.layer):
            return "; it is left out"
        attempts, limit = content.attempts, self.limit_of(run)
        if attempts >= limit:
            return " (try %d of %d); it is a dead letter: manage.py deadletters show %s" % (attempts, limit, content.id)
        return " (try %d of %d); it is tried again. Its id is %s" % (attempts, limit, content.id)

    def layer_limit(self) -> int:
        """How often a message may fail before it is a dead letter, by its layer."""
        return self.layer.max_deliveries if leases(self.layer) else POSTPONE_LIMIT

    def limit_of(self, run: Run) -> int:
        """
        As `layer_limit`, or less where whoever sent it waits for an answer, and would rather send again; once if a
        database refuses what the message says.
        """
        if databases.is_refused_value(run.error):
            return 1
        return min(self.layer_limit(), conf.per_channel("ATTEMPTS", run.channel, self.layer_limit()))

    def rest(self, run: Run, reason: str, limit: int) -> None:
        """Have it delivered again after a rest, which counts as a failure; or not, if it has failed so often."""
        if leases(self.layer) and run.deliveries[0].content.attempts >= limit:
            self.end(run, reason)
        else:
            self.put_back(run, reason, rest_of(run))

    def end(self, run: Run, reason: str) -> None:
        """The running message has failed for good: it is a dead letter, and its lane goes on at once."""
        self.tell()
        self.tally.dead += 1
        if not self.layer.dead_letter(run.deliveries[0], reason):
            logger.error("Of %s no more dead letters are kept: manage.py deadletters discard", run.channel)
            DROPPED["letters"].inc()
        with self.lock:
            self.scheduler.finish(run)

    def put_back(self, run: Run, reason: str, delay: float) -> None:
        """Give it back with what comes behind it in its lane. What came before it there is done, and told first."""
        self.tell()
        if leases(self.layer):
            give_back(self.layer, run.deliveries, reason, delay)
        else:
            self.stopping.wait(delay)
            for message in run.messages:
                postpone(message)
        with self.lock:
            self.scheduler.put_back(run)

    def settle(self, run: Run) -> None:
        """It is handled: send what it wants to send, and then it is done."""
        with self.lock:
            self.scheduler.settle(run)
        self.let_go()

    def let_go(self, again: bool = False) -> None:
        """
        Send what is held; `again`: also what was refused. What has sent all is done. The rest stays, with what comes
        behind it in its lane.
        """
        full = self.late.names | (set() if again else self.full())
        self.send([run for run in self.scheduler.held if run.sends and (again or run.refused_at is None)], full)
        with self.lock:
            finished = self.scheduler.release()
        for run in finished:
            if run.unsendable:
                self.bury(run)

    def send(self, runs: list[Run], full: set[str]) -> None:
        """Send for these; what is left of their sends finds its channel full. What is for clients waits elsewhere."""
        left, unsendable = send_all((send for run in runs for send in run.sends), full)
        self.late.add(filter(is_local, left))
        bad = {id(send): reason for send, reason in unsendable}
        kept = {id(send) for send in left if not is_local(send)}
        for run in runs:
            run.unsendable += [bad[id(send)] for send in run.sends if id(send) in bad]
            run.sends = [send for send in run.sends if id(send) in kept]
            if run.sends and run.refused_at is None:
                run.refused_at = time.monotonic()

    def bury(self, run: Run) -> None:
        """
        Some of what it wants to send can't be sent, now or ever; the rest is. Who looks after it can find it: among the
        dead letters, or in the log if it was part of a batch.
        """
        reasons, run.unsendable = run.unsendable, []
        reason = "What its consumer wants to send can't be sent: " + "; ".join(reasons)
        self.tally.dropped += len(reasons)
        DROPPED["unsendable"].inc(len(reasons))
        with about(run.traces):
            logger.error("A message on %s: %s", run.channel, reason)
        if len(run.deliveries) == 1 and run.deliveries[0].lease is not None:
            self.tally.dead += 1
            self.layer.dead_letter(run.deliveries[0], reason)

    def resend(self, patiently: bool) -> None:
        """Try again what was refused; at once, or after a while. What was refused for too long is given up."""
        if patiently:
            self.stopping.wait(RESEND)
        elif time.monotonic() < self.resend_at:
            return
        self.resend_at = time.monotonic() + RESEND
        self.tally.dropped += self.late.send()
        self.let_go(again=True)
        for run in list(self.scheduler.held):
            if run.refused_at is not None and run in self.scheduler.held:
                self.lose_patience(run, time.monotonic() - run.refused_at)

    def lose_patience(self, run: Run, waited: float) -> None:
        """
        A channel that stays full is a failure of the run, which does all it did once more; on a layer without leases
        what it wants to send is dropped.
        """
        if not run.sends or waited <= conf.get("SEND_PATIENCE"):
            return
        names = ", ".join(sorted({target.name for target, _ in run.sends}))
        with about(run.traces):
            logger.error("A message on %s failed: %s stayed full for %.0f s", run.channel, names, waited)
        self.tally.failed[run.channel] += len(run.deliveries)
        if leases(self.layer):
            # Its consumer is not to blame, so it is tried as often as elsewhere, and then the layer buries it.
            self.tally.dead += run.deliveries[0].content.attempts >= self.layer_limit()
            self.put_back(run, "%s stayed full for %.0f s" % (names, waited), rest_of(run))
        else:
            self.tally.dropped += len(run.sends)
            DROPPED["full"].inc(len(run.sends))
            run.sends = []

    def tell(self, only_if_late: bool = False) -> None:
        """Tell the layer what is done, now and not with the next take."""
        now = time.monotonic()
        is_early = now - self.told_at < TELL_AFTER or not self.scheduler.waiting
        if not self.scheduler.done or (only_if_late and is_early):
            return
        with self.lock:
            done = self.scheduler.tell()
            try:
                acknowledge(self.layer, done)
            except BaseException:
                self.scheduler.untold(done)
                raise
            self.told_at = now

    def give_up(self) -> None:
        """Tell what is done, and give back what is not."""
        with self.lock:
            runs = self.scheduler.give_up()
        try:
            self.tell()
        finally:
            self.leave()
        if not leases(self.layer):
            for run in runs:
                send_or_drop(run.sends)
                for message in [] if run.handled else run.messages:
                    postpone(message)

    def leave(self) -> None:
        """Have the layer deliver all that this thread has to others. Until it knows, nothing more is taken."""
        self.leaving = True
        leave(self.layer)
        self.leaving = False

    def finish(self) -> None:
        """Send what can be sent yet, and give up the rest."""
        self.attempt(self.let_go)
        self.attempt(self.give_up)
        self.tally.dropped += self.late.send(last=True)

    # For other threads

    def stop(self) -> None:
        """Have `work` return after the running consumer. Who waits for messages must be woken by `stop_waiting`."""
        self.stopping.set()

    def let_others(self, patience: float) -> None:
        """If a consumer runs, and what waits behind it has waited for longer than that, others shall have it."""
        with self.lock:
            is_quick = self.scheduler.running is None or time.monotonic() - self.taken_at < patience
            if is_quick or not leases(self.layer):
                return
            self.tell()
            free = self.scheduler.spare()
            give_back(self.layer, [delivery for run in free for delivery in run.deliveries])
        self.tally.handed_on += len(free)

    def at_work(self) -> str:
        """What runs now, for a log line; empty: nothing."""
        running, since = self.scheduler.running, self.running_since
        return "" if running is None else "%s for %.1f s" % (running.channel, time.monotonic() - since)


def rest_of(run: Run) -> float:
    """Seconds until a message that failed is tried again."""
    first, longest = conf.per_channel("RESTS", run.channel, conf.REST)
    return min(longest, first * 2 ** (run.deliveries[0].content.attempts - 1))


def ids(run: Run) -> dict[str, Any]:
    """For logs that are not read by people."""
    return {"channel": run.channel, "message_id": run.deliveries[0].content.id}
