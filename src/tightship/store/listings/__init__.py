"""Every listing, by its name: what pages, the API and the CLI show."""

from __future__ import annotations

from tightship.store.listing import Listing
from tightship.store.listings.applications import APPLICATIONS, INSTANCES
from tightship.store.listings.buildouts import BUILDOUTS
from tightship.store.listings.changes import CHANGES
from tightship.store.listings.findings import FINDINGS
from tightship.store.listings.groups import GROUPS
from tightship.store.listings.outdated import OUTDATED
from tightship.store.listings.packages import ENVIRONMENTS, PACKAGES
from tightship.store.listings.places import PORTS, SITES
from tightship.store.listings.servers import SERVERS
from tightship.store.listings.vulnerabilities import VULNERABILITIES

LISTINGS: dict[str, Listing] = {
    listing.name: listing
    for listing in (
        APPLICATIONS,
        INSTANCES,
        SERVERS,
        GROUPS,
        PORTS,
        SITES,
        PACKAGES,
        OUTDATED,
        ENVIRONMENTS,
        BUILDOUTS,
        CHANGES,
        FINDINGS,
        VULNERABILITIES,
    )
}
