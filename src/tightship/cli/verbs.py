"""The table of contents: every verb, and where it is. Each is only imported when it is typed."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from keyword import iskeyword
from typing import Any, NamedTuple

import click

from tightship import __version__

LOOK = "Look at this server, without recording anything"
REMEMBER = "Remember what runs"
CORRECT = "Say what it is called"
ASK = "Ask what is remembered"
SERVE = "Serve it to a team"
WHEN_STUCK = "When something is wrong"


class Verb(NamedTuple):
    section: str
    help: str
    module: str
    """below tightship.cli; it has a command of the verb's name, `lists` makes it"""
    hidden: bool = False


VERBS = {
    "scan": Verb(LOOK, "What runs on this server now.", "scan"),
    "gather": Verb(REMEMBER, "Read servers, and record what was found.", "gather"),
    "record": Verb(REMEMBER, "Record a report that was made before.", "record", hidden=True),
    "declare": Verb(CORRECT, "Name, own and label what was found, by fleet.toml.", "declare"),
    "applications": Verb(ASK, "What runs where, in which release.", "lists"),
    "instances": Verb(ASK, "Each copy of an application on a server.", "lists"),
    "groups": Verb(ASK, "Each process group: web, worker, beat, and what it runs as.", "lists"),
    "servers": Verb(ASK, "The servers, and when each was last seen.", "lists"),
    "ports": Verb(ASK, "Who listens on which port.", "lists"),
    "sites": Verb(ASK, "Which name is answered by what.", "lists"),
    "packages": Verb(ASK, "Which versions of which packages are in use.", "lists"),
    "outdated": Verb(ASK, "What is newer than what is in use, or than what is pinned.", "outdated"),
    "index": Verb(REMEMBER, "What package indexes have: ask them, keep it.", "index"),
    "who-uses": Verb(ASK, "Who uses a package, in the versions that SPECIFIER matches.", "lists"),
    "sbom": Verb(ASK, "A bill of materials of what runs, as CycloneDX.", "sbom"),
    "freeze": Verb(ASK, "Write what an application runs, to build it again.", "freeze"),
    "environments": Verb(ASK, "The environments: Python, packages, and what uses them.", "lists"),
    "buildouts": Verb(ASK, "What buildouts said that they were built from.", "lists"),
    "changes": Verb(ASK, "What changed, newest first.", "lists"),
    "diff": Verb(ASK, "What differs between two servers, instances or moments.", "diff"),
    "search": Verb(ASK, "Find whatever has a name, also with a typing error.", "search"),
    "import": Verb(
        CORRECT,
        "Hold a list against what runs, or take an SBOM.",
        "importing",
    ),
    "retire": Verb(CORRECT, "No longer expect reports of SERVER.", "retire"),
    "rename": Verb(CORRECT, "Call SERVER by another NAME.", "retire"),
    "forget": Verb(REMEMBER, "Remove what ended before a moment.", "forget"),
    "findings": Verb(ASK, "What is not as it should be, the worst first.", "findings"),
    "vulnerable": Verb(ASK, "Versions in use with a known vulnerability, worst first.", "vulnerable"),
    "advisories": Verb(ASK, "Which advisories are known here, and how old they are.", "advisories"),
    "end-of-life": Verb(ASK, "Until when Python and Django get security fixes.", "endoflife"),
    "login": Verb(ASK, "Ask a service instead of this machine's store.", "login"),
    "logout": Verb(ASK, "Forget that service and its token.", "login"),
    "serve": Verb(SERVE, "Serve the pages, and take in reports.", "serve"),
    "demo": Verb(SERVE, "Serve a simulated fleet, to look around.", "demo"),
    "work": Verb(
        SERVE,
        "Read each server once an hour, and note who is silent.",
        "work",
    ),
    "agent": Verb(SERVE, "Servers push their own reports, where ssh is not wanted.", "agent"),
    "token": Verb(SERVE, "Tokens: what programs show instead of a password.", "token"),
    "account": Verb(SERVE, "Accounts of the people who log in to the pages.", "account"),
    "backup": Verb(SERVE, "Write all that is remembered to one file.", "backup"),
    "restore": Verb(SERVE, "Put what `backup` wrote into this service's database.", "restore"),
    "doctor": Verb(WHEN_STUCK, "Check the set-up, and say how to fix each thing.", "doctor"),
}


class Verbs(click.Group):
    """Lists the verbs without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(VERBS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module = import_module(f"tightship.cli.{verb.module}")
        if verb.module == "lists":
            made: click.Command = module.command(cmd_name)
            return made
        name = cmd_name.replace("-", "_")
        written: click.Command = getattr(module, f"{name}_" if iskeyword(name) else name)
        return written

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            near = get_close_matches(name, VERBS, n=1)
            hint = f"did you mean `{near[0]}`?" if near else "`tightship --help` lists them."
            ctx.fail(f"There is no verb {name!r}: {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, verb in VERBS.items():
            if not verb.hidden:
                sections.setdefault(verb.section, []).append((name, verb.help))
        width = max(map(len, VERBS))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), text) for name, text in rows])


def _version(ctx: click.Context, _option: Any, asked: bool) -> None:
    if asked:
        click.echo(f"tightship {__version__}")
        ctx.exit()


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Begin with `tightship scan`. Every verb has --help, with an example.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def tightship(ctx: click.Context) -> None:
    """Which application runs on which server, on which ports, in which release, with which packages."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
