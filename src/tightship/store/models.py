"""The tables. What is found is kept as intervals: a row holds from `since` until `until` (null: now).

A package set stands here once for the whole fleet, named by the digest of its lines. Texts that are
indexed are short: PostgreSQL refuses long ones in an index, and nobody who can name a file on one
server may stop its reports from coming in.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

NAME = 200
"""Characters of a name or a key."""

SUBJECT = 300
"""Characters of a finding's subject."""


class Server(models.Model):
    """A server by its name: the key in fleet.toml, the token's server, or its hostname."""

    name = models.CharField(max_length=NAME, unique=True)
    machine_id = models.CharField(max_length=64, db_index=True, blank=True)
    first_seen = models.DateTimeField(db_index=True)
    last_seen = models.DateTimeField(db_index=True, help_text="when its newest report came in")
    reported_at = models.DateTimeField(help_text="the newest report's moment, by our clock")
    said_at = models.DateTimeField(help_text="the same, by the server's own clock")
    skew = models.FloatField(null=True, help_text="seconds that our clock is ahead of the server's")
    digest = models.CharField(max_length=40, help_text="of the state in the newest report")
    complete = models.BooleanField(default=True)
    live = models.TextField(default="{}", help_text="`live` of the newest report, as JSON")
    retired = models.DateTimeField(null=True, help_text="since when it is no longer expected to report")
    retired_because = models.CharField(max_length=NAME, blank=True)
    imported = models.CharField(
        max_length=NAME,
        blank=True,
        default="",
        db_default="",
        help_text="from which file, where no probe reports it",
    )

    class Meta:
        indexes = (
            models.Index(fields=["retired"], name="server_retired", condition=Q(retired__isnull=False)),
        )

    def __str__(self) -> str:
        return self.name


class Application(models.Model):
    name = models.CharField(max_length=NAME, unique=True)
    owner = models.CharField(max_length=NAME, blank=True)
    url = models.CharField(max_length=NAME, blank=True)
    labels = models.TextField(default="{}", help_text="name -> value, as JSON")
    declared = models.BooleanField(default=False, help_text="it stands in fleet.toml")

    def __str__(self) -> str:
        return self.name


class Wording(models.Model):
    """A text that lists are searched by. See `wordings`."""

    digest = models.CharField(max_length=40, unique=True)
    text = models.TextField()

    def __str__(self) -> str:
        return self.text


def wording() -> models.ForeignKey[Wording | None, Wording | None]:
    # As with package sets: never changed, and written with ids that were read a moment before.
    return models.ForeignKey(
        Wording, models.PROTECT, null=True, related_name="+", db_constraint=False, db_index=False
    )


class Instance(models.Model):
    """One copy of an application on a server, in a stage."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="instances")
    application = models.ForeignKey(Application, models.CASCADE, related_name="instances")
    stage = models.CharField(max_length=NAME, blank=True)
    base = models.CharField(max_length=300, blank=True)
    running = models.BooleanField(default=False, help_text="a process group of it runs now")
    wording = wording()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["server", "application", "stage", "base"], name="one_instance"),
        )
        indexes = (
            models.Index(
                fields=["application", "stage", "server", "wording", "running"],
                name="instance_now",
                condition=Q(running=True),
            ),
            models.Index(fields=["wording"], name="instance_worded", condition=Q(running=True)),
        )

    def __str__(self) -> str:
        return f"{self.application_id} on {self.server_id} in {self.base}"


class Tally(models.Model):
    """How much of what is found on a server now. See `tallies`."""

    server = models.OneToOneField(Server, models.CASCADE, primary_key=True)
    groups = models.IntegerField()
    running = models.IntegerField(help_text="process groups of applications; so are the next three")
    stale = models.IntegerField()
    conflict = models.IntegerField()
    unread = models.IntegerField()
    instances = models.IntegerField()
    listeners = models.IntegerField()
    environments = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.groups} process groups"


class Declaration(models.Model):
    """What `declare` brought last: by which names what is found goes. One row, or none."""

    digest = models.CharField(max_length=40, help_text="of `names`: who has read those needs no more")
    names = models.TextField(help_text="patterns and stages, as JSON")
    file = models.CharField(max_length=1000)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.file} at {self.at}"


class Simulation(models.Model):
    """What is remembered here is no real fleet: `tightship demo` made it up. One row, or none."""

    seed = models.IntegerField()
    servers = models.IntegerField()
    until = models.DateTimeField(help_text="when the story ends")
    whole = models.BooleanField(default=False, help_text="all of it is here")

    def __str__(self) -> str:
        return f"{self.servers} simulated servers"


class Package(models.Model):
    name = models.CharField(max_length=NAME, unique=True, help_text="PEP 503")

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    package = models.ForeignKey(Package, models.CASCADE, related_name="versions", db_index=False)
    version = models.CharField(max_length=NAME)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["package", "version"], name="one_version"),)
        indexes = (models.Index(fields=["version"], name="version_alone"),)

    def __str__(self) -> str:
        return f"{self.package_id} {self.version}"


class PackageSet(models.Model):
    digest = models.CharField(max_length=40, unique=True)
    size = models.IntegerField()

    def __str__(self) -> str:
        return self.digest


class Member(models.Model):
    """One line of a package set."""

    # Written once, with ids that were read a moment before, and never changed. To have the database look
    # each of them up again, and lock it, would cost more than to write the line.
    set = models.ForeignKey(PackageSet, models.CASCADE, related_name="members", db_constraint=False)
    version = models.ForeignKey(
        Version, models.CASCADE, related_name="members", db_constraint=False, db_index=False
    )
    origin = models.TextField(blank=True)
    commit = models.CharField(max_length=NAME, blank=True)
    editable = models.BooleanField(default=False)
    shadowed = models.BooleanField(default=False)

    class Meta:
        # Who has a version is answered from the index alone.
        indexes = (models.Index(fields=["version", "shadowed", "set"], name="member_of"),)

    def __str__(self) -> str:
        return f"{self.version_id} in {self.set_id}"


class Indexed(models.Model):
    """What the package indexes have of a package. See `indexed`."""

    package = models.OneToOneField(Package, models.CASCADE, primary_key=True, related_name="indexed")
    newest = models.CharField(max_length=NAME, blank=True, help_text="of all; empty: no index has it")
    candidates = models.TextField(default="[]", help_text="newer than the oldest in use, as JSON")
    asked = models.DateTimeField(null=True, help_text="when this was true of all indexes")
    tried = models.DateTimeField(null=True, db_index=True, help_text="when they were asked last")
    problem = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.package_id} {self.newest}"


class Behind(models.Model):
    """A version in use, and the newer ones that may take its place, on one series of Python."""

    version = models.ForeignKey(Version, models.CASCADE, related_name="behind", db_index=False)
    python = models.CharField(max_length=NAME, blank=True, help_text="series, as 3.11")
    major = models.CharField(max_length=NAME, blank=True)
    minor = models.CharField(max_length=NAME, blank=True)
    bugfix = models.CharField(max_length=NAME, blank=True)
    needs = models.CharField(max_length=NAME, blank=True, help_text="what is newer still, and can't run here")
    yanked = models.CharField(max_length=NAME, blank=True, help_text="why the version in use was taken back")
    ignored = models.CharField(max_length=NAME, blank=True, help_text="what is not offered, and why")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["version", "python"], name="one_behind"),)

    def __str__(self) -> str:
        return f"{self.version_id} -> {self.major or self.minor or self.bugfix}"


class Ignored(models.Model):
    """Versions that were declared not to be offered until a day."""

    package = models.CharField(max_length=NAME, help_text="with or without versions")
    because = models.CharField(max_length=NAME)
    until = models.DateField()

    def __str__(self) -> str:
        return f"{self.package} until {self.until}"


class Term(models.Model):
    """A name that otherwise only stands in intervals, once for the whole fleet, to be searched."""

    kind = models.CharField(max_length=10, help_text="site or release")
    of = models.CharField(max_length=NAME, blank=True, help_text="a release: name of the application")
    text = models.CharField(max_length=300)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kind", "of", "text"], name="one_term"),)

    def __str__(self) -> str:
        return f"{self.of} {self.text}".strip()


class Interval(models.Model):
    """Something found on a server, the same from `since` until `until`."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="%(class)ss", db_index=False)
    key = models.CharField(max_length=300)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    data = models.TextField(help_text="this part of the report, as JSON")

    class Meta:
        abstract = True


def interval_indexes(name: str) -> tuple[models.Index, ...]:
    return (
        # What runs now is a small part of all that ever ran, and what nearly every page asks for.
        models.Index(fields=["server", "key"], name=f"{name}_now", condition=Q(until=None)),
        models.Index(fields=["server", "since"], name=f"{name}_then"),
    )


def covering(name: str, *fields: str) -> models.Index:
    """An index of what runs now, that answers by itself what asks for nothing but these fields.

    SQLite reads the row as well where the index does not hold a column of its own condition: so `until`
    stands in it. Never at the beginning: it would be taken for a good way to find a single row.
    """
    return models.Index(fields=[*fields, "until"], name=name, condition=Q(until=None))


class FoundSystem(Interval):
    """The server itself, its web servers' sites and what could not be read of it."""

    os = models.CharField(max_length=NAME, blank=True)
    kernel = models.CharField(max_length=NAME, blank=True)
    unread = models.IntegerField(default=0)

    class Meta:
        indexes = (
            *interval_indexes("system"),
            models.Index(fields=["server"], name="system_unread", condition=Q(until=None, unread__gt=0)),
        )


class FoundEnvironment(Interval):
    kind = models.CharField(max_length=40, blank=True)
    python = models.CharField(max_length=NAME, blank=True)
    packages = models.ForeignKey(PackageSet, models.PROTECT, null=True, related_name="environments")
    at_rest = models.BooleanField(default=False)
    unread = models.BooleanField(default=False)
    wording = wording()

    class Meta:
        indexes = (
            *interval_indexes("environment"),
            covering("environment_worded", "wording"),
            # Few are at rest, and each page about a package asks for them.
            models.Index(
                fields=["packages"], name="environment_rests", condition=Q(until=None, at_rest=True)
            ),
        )


GROUP_STATE = (
    "stage",
    "release",
    "type",
    "python",
    "maybe_stale",
    "surely_stale",
    "conflict",
    "unread",
    "kept",
)
"""What a list of applications says of all their process groups together."""

HISTORY = ("instance", "server", "loaded", "packages")
"""What else is asked of all that ran at a moment in the past."""


class FoundGroup(Interval):
    """A process group. `packages` is on disk now; `loaded` was there when its start was first seen."""

    application = models.ForeignKey(
        Application, models.PROTECT, null=True, related_name="groups", db_index=False
    )
    instance = models.ForeignKey(Instance, models.CASCADE, null=True, related_name="groups")
    stage = models.CharField(max_length=NAME, blank=True)
    base = models.CharField(max_length=300, blank=True)
    named_by = models.CharField(max_length=NAME, blank=True)
    set_aside = models.CharField(
        max_length=NAME, blank=True, help_text="what else was declared to recognise it"
    )
    kind = models.CharField(max_length=20)
    type = models.CharField(max_length=20)
    program = models.CharField(max_length=NAME, blank=True)
    user = models.CharField(max_length=NAME, blank=True)
    release = models.CharField(max_length=NAME, blank=True)
    released_by = models.CharField(max_length=40, blank=True)
    python = models.CharField(max_length=NAME, blank=True)
    environment = models.CharField(max_length=300, blank=True, help_text="key of the server's environment")
    packages = models.ForeignKey(PackageSet, models.PROTECT, null=True, related_name="groups")
    loaded = models.ForeignKey(PackageSet, models.PROTECT, null=True, related_name="running")
    maybe_stale = models.BooleanField(default=False)
    surely_stale = models.BooleanField(default=False)
    conflict = models.BooleanField(default=False)
    unread = models.BooleanField(default=False)
    kept = models.BooleanField(
        default=False, help_text="not seen by the newest report: as an earlier one had it"
    )
    wording = wording()

    class Meta:
        indexes = (
            *interval_indexes("group"),
            models.Index(fields=["application", "stage"], name="group_of", condition=Q(until=None)),
            models.Index(fields=["application", "release"], name="group_release", condition=Q(until=None)),
            covering("group_uses", "application", "loaded", "packages", "kind"),
            covering("group_used", "loaded", "application", "server", "kind"),
            covering("group_newest", "since"),
            covering("group_worded", "wording"),
            covering("group_searched", "application", "wording", "server"),
            # What ran at a moment is counted, and gathered, from this alone.
            models.Index(
                fields=["application", "since", "until", "kind", *HISTORY, *GROUP_STATE], name="group_history"
            ),
            covering("group_state", "application", *GROUP_STATE, "server", "since", "kind"),
        )


class FoundListener(Interval):
    """Who listens where: a process group, or another program."""

    protocol = models.CharField(max_length=8)
    address = models.CharField(max_length=64, blank=True)
    port = models.IntegerField(default=0)
    path = models.CharField(max_length=1000, blank=True)
    program = models.CharField(max_length=NAME, blank=True)
    group = models.CharField(max_length=300, blank=True, help_text="key of the process group")
    application = models.ForeignKey(Application, models.PROTECT, null=True, related_name="listeners")
    stage = models.CharField(max_length=NAME, blank=True)
    wording = wording()

    class Meta:
        indexes = (
            *interval_indexes("listener"),
            models.Index(fields=["port"], name="listener_port", condition=Q(until=None)),
            covering("listener_of", "application", "port"),
            covering("listener_worded", "wording"),
            covering("listener_searched", "server", "wording", "application"),
        )


class FoundSite(Interval):
    """A name that a web server answers to."""

    name = models.CharField(max_length=300, db_index=True)
    to = models.CharField(max_length=1000, blank=True)
    web_server = models.CharField(max_length=40, blank=True)
    group = models.CharField(max_length=300, blank=True)
    application = models.ForeignKey(Application, models.PROTECT, null=True, related_name="sites")

    class Meta:
        indexes = (*interval_indexes("site"), covering("site_named", "name"))


class Build(models.Model):
    """What a buildout said that it was built from, the same from `since` until `until`. See `builds`."""

    name = models.CharField(max_length=NAME)
    host = models.CharField(max_length=NAME, blank=True)
    directory = models.CharField(max_length=1000, blank=True)
    python = models.CharField(max_length=NAME, blank=True)
    packages = models.ForeignKey(PackageSet, models.PROTECT, related_name="builds")
    picked = models.IntegerField(help_text="packages whose version nobody pinned")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    seen = models.DateTimeField(help_text="when it said so last")
    digest = models.CharField(max_length=40, help_text="of all that it said")
    data = models.TextField(help_text="pins, who requires what, the files of its configuration, as JSON")

    class Meta:
        indexes = (models.Index(fields=["name", "host"], name="build_of"),)

    def __str__(self) -> str:
        return f"{self.name} on {self.host}"


class Change(models.Model):
    """One difference between two successive reports of a server."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="changes", db_index=False)
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=20)
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, related_name="changes", db_index=False
    )
    stage = models.CharField(max_length=NAME, blank=True)
    group = models.CharField(max_length=300, blank=True)
    subject = models.CharField(max_length=300, blank=True)
    before = models.CharField(max_length=NAME, blank=True)
    after = models.CharField(max_length=NAME, blank=True)
    still_runs = models.CharField(max_length=NAME, blank=True)
    wording = wording()

    class Meta:
        indexes = (
            models.Index(fields=["server", "at"], name="change_of_server"),
            models.Index(fields=["application", "at"], name="change_of_application"),
            models.Index(fields=["subject", "at"], name="change_of_subject"),
            models.Index(fields=["kind", "at"], name="change_of_kind"),
            models.Index(fields=["wording", "at"], name="change_worded"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.before} -> {self.after}"


class Forgotten(models.Model):
    """What ended before this moment is not kept any more: nothing is known of moments before it."""

    before = models.DateTimeField(unique=True)

    def __str__(self) -> str:
        return f"before {self.before}"


class Acknowledgement(models.Model):
    """Somebody knows of what is found, and says why it may stay, and until when."""

    kind = models.CharField(max_length=40, help_text="of findings; * for all")
    subject = models.CharField(max_length=SUBJECT, db_index=True)
    is_pattern = models.BooleanField(default=False)
    because = models.TextField()
    by = models.CharField(max_length=NAME)
    at = models.DateTimeField()
    until = models.DateTimeField()
    withdrawn = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=NAME, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} until {self.until}"


class AdvisorySource(models.Model):
    """What the advisories were filled with last. One row, or none: see `advisories`."""

    at = models.DateTimeField(help_text="when")
    source = models.TextField(help_text="files, directories or addresses, a line each")
    newest = models.DateTimeField(help_text="when the newest of them was modified")
    advisories = models.IntegerField()
    vulnerabilities = models.IntegerField()
    withdrawn = models.IntegerField(help_text="left out")
    skipped = models.IntegerField(help_text="records that could not be read")

    def __str__(self) -> str:
        return f"{self.advisories} advisories as of {self.at}"


class Vulnerability(models.Model):
    """What one or several advisories are about."""

    name = models.CharField(max_length=NAME, unique=True, help_text="the id that is shown")
    aliases = models.TextField(help_text="its other ids, as JSON")
    rank = models.SmallIntegerField(help_text="1: critical, 2: high, 3: medium, 4: low, 5: unknown")
    summary = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class Advisory(models.Model):
    """A record of the OSV schema."""

    name = models.CharField(max_length=NAME, unique=True, help_text="its id")
    vulnerability = models.ForeignKey(Vulnerability, models.CASCADE, related_name="advisories")
    modified = models.DateTimeField()
    record = models.TextField(help_text="as it came, packed: see `advisories.packed`")

    def __str__(self) -> str:
        return self.name


class AffectedPackage(models.Model):
    """What an advisory says of the versions of a package."""

    advisory = models.ForeignKey(Advisory, models.CASCADE, related_name="affected")
    package = models.CharField(max_length=NAME, db_index=True, help_text="PEP 503; it may not be in use here")
    rules = models.TextField(help_text="ranges and versions, as JSON")

    def __str__(self) -> str:
        return f"{self.advisory_id}: {self.package}"


class VulnerableVersion(models.Model):
    """A version that is known here, and a vulnerability that it has."""

    # As with the lines of package sets: written with ids that were read in the same transaction.
    version = models.ForeignKey(
        Version, models.CASCADE, related_name="vulnerable", db_constraint=False, db_index=False
    )
    vulnerability = models.ForeignKey(
        Vulnerability, models.CASCADE, related_name="versions", db_constraint=False
    )
    fixed = models.TextField(help_text="versions in which it is mended, as JSON")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["version", "vulnerability"], name="one_vulnerable_version"),
        )

    def __str__(self) -> str:
        return f"{self.version_id} has {self.vulnerability_id}"


class Finding(models.Model):
    """One thing that was not as it should be, from `since` until `until`. Some begin in the future.

    Those of some kinds only stand ready, and count while more is so: `holding.holding` says what.
    """

    server = models.ForeignKey(Server, models.CASCADE, null=True, related_name="findings", db_index=False)
    application = models.ForeignKey(
        Application, models.PROTECT, null=True, related_name="findings", db_index=False
    )
    stage = models.CharField(max_length=NAME, blank=True)
    group = models.CharField(max_length=300, blank=True, help_text="key of the process group")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=300, blank=True, help_text="which of its kind; no declared name in it")
    subject = models.CharField(max_length=SUBJECT)
    rank = models.SmallIntegerField(help_text="1: critical, 2: warning, 3: notice")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    data = models.TextField(help_text="evidence and what to do, as JSON")
    acknowledgement = models.ForeignKey(
        Acknowledgement, models.SET_NULL, null=True, related_name="findings", db_index=False
    )
    # Kept up to date by `exposures`; over what ended long ago nothing is known any more.
    vulnerable = models.ForeignKey(
        VulnerableVersion,
        models.SET_NULL,
        null=True,
        related_name="findings",
        db_constraint=False,
        db_index=False,
    )

    class Meta:
        indexes = (
            models.Index(fields=["server", "kind"], name="finding_of_server", condition=Q(until=None)),
            models.Index(
                fields=["application", "since"], name="finding_of_application", condition=Q(until=None)
            ),
            # All that is counted by: it is read for each overview.
            models.Index(
                fields=["since", "kind", "rank", "server", "acknowledgement"],
                name="finding_now",
                condition=Q(until=None),
            ),
            models.Index(fields=["kind", "subject"], name="finding_subject", condition=Q(until=None)),
            models.Index(fields=["server", "since"], name="finding_then"),
            models.Index(
                fields=["vulnerable", "acknowledgement", "rank", "application", "server", "until"],
                name="finding_vulnerable",
                condition=Q(until=None, vulnerable__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class EndOfLife(models.Model):
    """Dates of end of life that are newer than those of this release. One row, or none."""

    digest = models.CharField(max_length=40, help_text="of `text`: who has read that needs no more")
    text = models.TextField(help_text="product, series, date, source: a line each")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"as of {self.at}"


class Judged(models.Model):
    """By which rules all servers were judged. One row, or none."""

    rules = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.rules


class Token(models.Model):
    """What a program shows instead of a password. Only its digest is kept."""

    scope = models.CharField(max_length=20, help_text="report or read")
    server = models.CharField(max_length=NAME, blank=True, help_text="the one server that it may report for")
    digest = models.CharField(max_length=64, unique=True)
    created = models.DateTimeField()
    expires = models.DateTimeField(null=True)
    last_used = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)
    replaced = models.DateTimeField(null=True, help_text="when another took its place")

    def __str__(self) -> str:
        return f"{self.scope} {self.server}".strip()


class LoginLink(models.Model):
    """A link that logs in once."""

    digest = models.CharField(max_length=64, unique=True)
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return f"until {self.expires}"


class Attempt(models.Model):
    """What came of the newest try to read a server over ssh. It may be one that nobody ever heard of."""

    server = models.CharField(max_length=NAME, unique=True)
    kind = models.CharField(max_length=20, help_text="ok, or how it failed")
    why = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    since = models.DateTimeField(help_text="when it began to fail, or to be well again")

    class Meta:
        indexes = (models.Index(fields=["kind"], name="attempt_failed", condition=~Q(kind="ok")),)

    def __str__(self) -> str:
        return f"{self.server}: {self.kind}"


class Silence(models.Model):
    """A time in which a server that was expected to report did not. `silences` notes them."""

    server = models.ForeignKey(Server, models.CASCADE, related_name="silences")
    since = models.DateTimeField(help_text="its last report, and as long as is waited for the next")
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["server"], name="one_silence", condition=Q(until=None)),
        )
        indexes = (models.Index(fields=["server", "since", "until"], name="silence_then"),)

    def __str__(self) -> str:
        return f"{self.server_id} since {self.since}"


class Lease(models.Model):
    """Who may do what only one may do at a time. See `leases`."""

    name = models.CharField(max_length=40, unique=True)
    holder = models.CharField(max_length=NAME)
    until = models.DateTimeField()
    said = models.TextField(default="{}", help_text="what its holder says of its work, as JSON")

    def __str__(self) -> str:
        return f"{self.name} by {self.holder}"


class Wrong(models.Model):
    """How often somebody was wrong: a password, a link, a token. See `throttling`."""

    digest = models.CharField(max_length=32, unique=True, help_text="of who, from where")
    number = models.IntegerField()
    until = models.DateTimeField(db_index=True, help_text="then it is forgotten")

    def __str__(self) -> str:
        return f"{self.number} until {self.until}"
