"""One round of reading: works of several owners, in as few readers as it can be.

Whoever makes a reader hang must hide nobody's things but his own, so each owner has a reader of his
own. But readers cost (a fork, 4 ms), and on nearly every server nobody hangs. So several owners share
one at first; those whose answer did not come, for whatever reason, are read again one by one.
"""

import collections

from tightship_probe import children

Work = collections.namedtuple("Work", "owner what do")
"""What to read for one owner: his uid, what it is in words, and `do() -> value` (JSON)."""

TOGETHER = 64
"""Owners that share a reader."""
_SEVERAL = 0xFFFFFFFE
"""Stands for them. No user has this number."""
OF_SERVER = {0xFFFFFFF0: "interpreters", 0xFFFFFFF1: "sites", 0xFFFFFFF2: "what is named"}
OF_SERVER[0xFFFFFFF3] = "what container engines wrote down"
OF_SERVER[0xFFFFFFF4] = "what root has at rest"
"""What is read of the server itself, under numbers that are nobody's: who makes one of these hang, by what he
has in /opt or names in a crontab, is not to keep root's own processes from being read."""


class Rounds(object):
    """Rounds of reading of one scan. `hung` are owners for whom a reader of an earlier scan hangs."""

    def __init__(self, hung, user):
        self.abandoned = []
        """[{what, why}]: readers that were left, for the report"""
        self._user = user
        self._hung = set()
        for owner, pid in sorted(hung.items()):
            self._abandon(owner, "process %d hangs since an earlier scan" % pid)
            self._hung.add(owner)

    def read(self, works, seconds=children.SECONDS):
        """[(value, "") or (None, why)] of each `Work`, in their order."""
        together = len(works) > 1 and not self._hung
        answers = self._together(works, seconds) if together else [None for _ in works]
        missing = [place for place, answer in enumerate(answers) if answer is None]
        jobs = [children.Job(works[place].owner, (), works[place].do) for place in missing]
        alone = {
            place: (outcome.value, self._why(works[place].what, outcome))
            for place, outcome in zip(missing, self._run(jobs, seconds))
        }
        return [alone.get(place, answer) for place, answer in enumerate(answers)]

    def _together(self, works, seconds):
        """The same; None in place of an answer that has to be asked for again."""
        portions = [works[start : start + TOGETHER] for start in range(0, len(works), TOGETHER)]
        jobs = [children.Job(_SEVERAL, (), _all_of(portion)) for portion in portions]
        answers = []
        for portion, outcome in zip(portions, self._run(jobs, seconds)):
            if outcome.value is None:
                self._why("together", outcome)
            answers += outcome.value or [None] * len(portion)
        return [None if answer is None else (answer[0], "") for answer in answers]

    def _run(self, jobs, seconds):
        return children.run(jobs, seconds=seconds, hung=frozenset(self._hung)) if jobs else []

    def _why(self, what, outcome):
        """Why there is no value, in words; empty where there is one."""
        if outcome.value is not None:
            return ""
        # One that is asked again is only worth telling where it was left behind.
        if outcome.owner != _SEVERAL or "hangs" in outcome.why:
            self._abandon(outcome.owner, "%s: %s" % (what, outcome.why))
        if "hangs" in outcome.why:
            self._hung.add(outcome.owner)
        # Its number differs each time, and the state is to stay the same.
        return "%s: %s" % (what, outcome.why.partition(";")[0])

    def _abandon(self, owner, why):
        known = OF_SERVER.get(owner) or ("several owners" if owner == _SEVERAL else self._user(owner))
        what = "a reader for " + known
        self.abandoned.append({"what": what, "why": why})


def _all_of(works):
    return lambda: [_answer(work) for work in works]


def _answer(work):
    """[value], or None where it failed: it is then asked once more, alone, which tells why."""
    try:
        return [work.do()]
    except Exception:
        return None
