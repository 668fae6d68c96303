"""What is known after a report: the report, and what an earlier one knew and this one could not see. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tightship.fleet.found import Found, FoundGroup
from tightship.fleet.report import Environment, Listener, OtherListener, ProcessGroup, Site


def remembered(known: Found | None, new: Found) -> Found:
    """`new`, completed from `known`. Nothing is forgotten because it could not be read."""
    if known is None:
        return new
    environments = {
        key: _environment(known.environments.get(key), environment)
        for key, environment in new.environments.items()
    }
    groups: dict[str, FoundGroup] = {}
    matched = set()
    for key, group in new.groups.items():
        before = known.groups.get(key) or _same_process(known, group.group)
        if before:
            matched.add(before.key)
        now = _group(before, group, environments)
        groups[now.key] = now
    if new.complete:
        return replace(new, groups=groups, environments=environments)
    for key, group in known.groups.items():
        if key not in groups and key not in matched and not _is_gone(group, known, new):
            groups[key] = replace(group, kept=True)
    return replace(
        new,
        groups=groups,
        environments={**_kept_environments(known, new, groups), **environments},
        listeners=tuple(_listeners(known, new, groups)),
        sites=(*new.sites, *_kept_sites(known, new)),
    )


def _sees_as_much(known: Found, new: Found) -> bool:
    """Whether nothing is unread now that was not unread before: what was seen then is seen now, or gone."""
    return bool(new.unread) and set(new.unread) <= set(known.unread)


def _is_gone(group: FoundGroup, known: Found, new: Found) -> bool:
    """Whether a group that an incomplete report does not have can't be running any more."""
    then, now = group.group.started.boot, new.system.boot
    if then and now and then != now:
        return True  # no process outlives its boot
    return not group.kept and _sees_as_much(known, new)


def _environment(before: Environment | None, now: Environment) -> Environment:
    """An environment whose packages could not be read keeps those that it had."""
    if before is None or now.packages is not None or not now.unread:
        return now
    return before.model_copy(update={"unread": now.unread})


def _same_process(known: Found, group: ProcessGroup) -> FoundGroup | None:
    """The known group that this only partly read one is: a process keeps its start, user and command."""
    if not _partly_read(group) or not group.started.boot:
        return None
    same = [
        before
        for before in known.groups.values()
        if (before.group.started, before.group.user) == (group.started, group.user)
        and (before.group.command == group.command or not group.command)
    ]
    # Two that were started in one tick and can't be told apart are nobody's.
    return same[0] if len(same) == 1 else None


def _group(before: FoundGroup | None, now: FoundGroup, environments: Mapping[str, Environment]) -> FoundGroup:
    if before is None:
        return now
    same_start = before.group.started == now.group.started
    if _partly_read(now.group) and not _partly_read(before.group):
        group = before.group.model_copy(update={"started": now.group.started})
        return replace(before, group=group, loaded=before.loaded if same_start else None, kept=True)
    environment = environments.get(now.group.environment)
    packages = environment.packages if environment else None
    loaded = before.loaded if same_start and before.loaded else packages
    return replace(now, packages=packages, loaded=loaded)


def _partly_read(group: ProcessGroup) -> bool:
    """Whether so much is unread that the group may not even be recognised by its key."""
    return bool(group.unread) and not (group.cwd and group.environment)


def _kept_environments(known: Found, new: Found, groups: Mapping[str, FoundGroup]) -> dict[str, Environment]:
    used = {group.group.environment for group in groups.values() if group.kept}
    all_kept = not _sees_as_much(known, new)
    return {key: one for key, one in known.environments.items() if all_kept or key in used}


def _listeners(known: Found, new: Found, groups: Mapping[str, FoundGroup]) -> Iterator[OtherListener]:
    """Other programs' listeners. An ordinary user sees that a port is taken, not always by whom."""
    of_groups = {_place(listener) for group in groups.values() for listener in group.group.listeners}
    before = {_place(listener): listener for listener in known.listeners}
    for listener in new.listeners:
        place = _place(listener)
        if listener.program:
            yield listener
        elif place not in of_groups:
            yield before.get(place, listener)
    if not _sees_as_much(known, new):
        seen = {_place(listener) for listener in new.listeners} | of_groups
        yield from (listener for place, listener in before.items() if place not in seen)


def _place(listener: Listener) -> tuple[str, str, int, str]:
    return listener.protocol, listener.address, listener.port, listener.path


def _kept_sites(known: Found, new: Found) -> list[Site]:
    if _sees_as_much(known, new):
        return []
    read = {site.where for site in new.sites}
    return [site for site in known.sites if site.where not in read]
