"""Reads what belongs to one owner in a child process of its own, with a deadline.

An application's user can make a read hang (a FUSE page under /proc/PID/mem, a dead network file
system), some of them beyond SIGKILL. So such reads happen in a forked child: one that does not
answer in time is killed, and left alone when even that does not end it. It holds no descriptor of
ours but its own end of a pipe, or ssh would wait for it. It is named `tsread:UID`; as long as one
hangs, a later scan starts no other for that owner.
"""

import collections
import contextlib
import gc
import json
import os
import resource
import select
import signal
import time
from typing import Dict, Tuple

SECONDS = 5.0
ALTOGETHER = 60.0
"""For all readers: one user may own thousands of numbers (/etc/subuid), each with a reader that hangs."""
AT_ONCE = 4
MOST_ANSWER = 64 * 1024 * 1024
MOST_MEMORY = 1024 * 1024 * 1024

_PATIENCE = 0.2
"""Seconds that a reader may take to end after its answer, or after SIGKILL."""

Job = collections.namedtuple("Job", "owner keep work")
"""What to read for one owner: its uid, descriptors the child may keep, and `work() -> value` (JSON)."""

Outcome = collections.namedtuple("Outcome", "owner value why")
"""What came of a job: `value`, or None and `why`, in words."""


def run(jobs, seconds=SECONDS, at_once=AT_ONCE, hung=(), altogether=ALTOGETHER):
    """Outcomes of all jobs, in their order. `hung` are owners for whom a reader hangs since before."""
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:  # handed on to us: children would vanish unseen
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    end = time.monotonic() + altogether
    # Small numbers first: users of the server itself, before those that a user may own by the thousand.
    waiting = collections.deque(sorted(range(len(jobs)), key=lambda place: jobs[place].owner))
    outcomes: Dict[int, Outcome] = {}
    running: Dict[int, Tuple[int, _Child]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                place = waiting.popleft()
                started = _start(jobs[place], min(seconds, end - time.monotonic()), hung)
                if isinstance(started, Outcome):
                    outcomes[place] = started
                else:
                    running[started.pipe] = (place, started)
            _collect(running, outcomes)
    finally:
        for _place, child in running.values():
            child.end()
    return [outcomes[place] for place in range(len(jobs))]


def name_of_reader(owner):
    """The name that a reader's process carries: at most the 15 bytes that the kernel keeps."""
    return "tsread:%x" % owner


def _start(job, seconds, hung):
    """A running child, or the outcome where there is to be none."""
    if job.owner in hung:
        return Outcome(job.owner, None, "a reader of an earlier scan still hangs")
    if seconds <= 0:
        return Outcome(job.owner, None, "out of time: other readers took it all")
    try:
        return _Child(job, seconds)
    except OSError as error:
        return Outcome(job.owner, None, "no reader could be started: %s" % (error.strerror or error))


def _collect(running, outcomes):
    """Take in what the children say; end those whose time is up."""
    if not running:
        return
    patience = min(child.deadline for _place, child in running.values()) - time.monotonic()
    poll = select.poll()  # select knows no descriptor above 1023
    for pipe in running:
        poll.register(pipe, select.POLLIN)
    ready = {pipe for pipe, _event in poll.poll(max(0, int(patience * 1000) + 1))}
    now = time.monotonic()
    for pipe, (place, child) in list(running.items()):
        if pipe in ready:
            child.listen()
        if child.finished or now >= child.deadline:
            del running[pipe]
            outcomes[place] = child.end()


class _Child(object):
    """A running reader. `finished`: it said all it has to say, or more than anybody wants to hear."""

    def __init__(self, job, seconds):
        self.owner = job.owner
        self.deadline = time.monotonic() + seconds
        self.finished = False
        self._said = []
        self._size = 0
        self.pipe, writing = os.pipe()
        try:
            self.pid = os.fork()
        except OSError:
            os.close(self.pipe)
            os.close(writing)
            raise
        if self.pid == 0:
            _be_a_reader(job, writing, seconds)
        os.close(writing)

    def listen(self):
        data = os.read(self.pipe, 1 << 16)
        self._said.append(data)
        self._size += len(data)
        self.finished = not data or self._size > MOST_ANSWER

    def end(self):
        """The outcome; the process is gone, or cannot be ended and is left."""
        os.close(self.pipe)
        gone = self.finished and _reaped(self.pid, _PATIENCE)
        if not gone:
            os.kill(self.pid, signal.SIGKILL)
            gone = _reaped(self.pid, _PATIENCE)
        if not self.finished:
            left = "" if gone else "; its reader, process %d, hangs" % self.pid
            return Outcome(self.owner, None, "a read did not return in time" + left)
        return self._answer()

    def _answer(self):
        if self._size > MOST_ANSWER:
            return Outcome(self.owner, None, "more than %d bytes were read" % MOST_ANSWER)
        try:
            answer = json.loads(b"".join(self._said).decode("ascii"))
        except ValueError:
            return Outcome(self.owner, None, "its reader ended without an answer")
        return Outcome(self.owner, answer.get("value"), answer.get("why"))


def _reaped(pid, patience):
    """Whether the child has ended; waits for it no longer than `patience` seconds."""
    until = time.monotonic() + patience
    while os.waitpid(pid, os.WNOHANG)[0] != pid:
        if time.monotonic() >= until:
            return False
        time.sleep(0.002)
    return True


def _be_a_reader(job, writing, seconds):
    """The child's whole life. Never returns."""
    try:
        gc.disable()
        _close_all_but(set(job.keep) | {writing})
        _take_name(name_of_reader(job.owner))
        _bound(seconds)
        answer = {"value": job.work()}
    except BaseException as error:  # whatever it was, the owner's things are unread and the scan goes on
        answer = {"why": "%s: %s" % (type(error).__name__, error)}
    try:
        _write(writing, json.dumps(answer).encode("ascii"))
    finally:
        os._exit(0)


def _close_all_but(keep):
    # Also 0, 1 and 2: a child that hangs must hold nothing that anybody waits for.
    for fd in [int(name) for name in os.listdir("/proc/self/fd")]:
        if fd not in keep:
            with contextlib.suppress(OSError):  # the one that the listing itself took is closed
                os.close(fd)


def _take_name(name):
    with open("/proc/self/comm", "w") as comm:
        comm.write(name)


def _bound(seconds):
    # Should the parent be killed, nobody else ends the child.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(seconds) + 2)
    for limit, value in (
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_AS, MOST_MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))


def _write(fd, data):
    while data:
        data = data[os.write(fd, data) :]
