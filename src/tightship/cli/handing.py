"""What was gathered here, for a service elsewhere."""

from __future__ import annotations

from datetime import datetime

from tightship.cli.chosen import Service
from tightship.cli.running import Cannot
from tightship.cli.service import tell
from tightship.fleet.report import Refused, load
from tightship.remote.ssh import Outcome
from tightship.store.listing import BadParams
from tightship.work.gathering import Came, Keep, applications_in, failed


def to_service(service: Service) -> Keep:
    """Hands each report over. Never raises: what the service did not take is told of its server."""

    def keep(outcome: Outcome, _now: datetime) -> Came:
        return handed_over(service, outcome) if outcome.kind == "ok" else failed(outcome)

    return keep


def handed_over(service: Service, outcome: Outcome) -> Came:
    server = outcome.target.name
    try:
        report = load(outcome.stdout)
        tell(service, "/api/reports", {"server": server}, outcome.stdout)
    except Refused as error:
        return Came(server, "failed", f"it printed no report: {error}", outcome.seconds)
    except (Cannot, BadParams) as error:
        return Came(server, "not taken", str(error), outcome.seconds)
    count = applications_in(report)
    return Came(
        server,
        "handed over",
        seconds=outcome.seconds,
        applications=count,
        privileged=report.live.privileged,
    )
