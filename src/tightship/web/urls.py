"""The table of contents of everything that is answered over HTTP."""

from __future__ import annotations

from django.urls import path
from django.urls.resolvers import URLPattern

from tightship.store.listings import LISTINGS
from tightship.web import access, differing, health, intake, lists, osv, pages, searching, whiskers
from tightship.web.api import answers


def _lists() -> list[URLPattern]:
    return [
        path(f"{name}{ending}", view, name=f"{name}{ending}")
        for name, listing in LISTINGS.items()
        for ending, view in lists.views(listing).items()
    ]


urlpatterns = [
    path("api/reports", intake.reports, name="reports"),  # first: every server asks for it every hour
    path("", whiskers.overview_or_add, name="overview"),
    *(
        path(f"{address}{slash}", whiskers.add, name="add a build")
        for address in ("buildouts/add", "whiskers/<str:token>", "whiskers/<str:token>/buildouts/add")
        for slash in ("", "/")
    ),
    *_lists(),
    path("radiator", pages.radiator, name="radiator"),
    path("diff", differing.diff, name="diff"),
    path("diff.json", differing.diff_json, name="diff.json"),
    path("applications/<path:name>", pages.application, name="application"),
    path("servers/<path:name>", pages.server, name="server"),
    *(
        path(f"packages/<str:name>/users{ending}", lists.users, {"ending": ending}, name=f"users{ending}")
        for ending in ("", ".csv", ".json")
    ),
    path("packages/<path:name>", pages.package, name="package"),
    path("buildouts/<int:number>", pages.buildout, name="buildout"),
    path("findings/<int:number>", pages.finding, name="finding"),
    path("groups/<int:number>", pages.group, name="group"),
    path("environments/<int:number>", pages.environment, name="environment"),
    path("search", searching.page, name="search"),
    path("search/found", searching.while_typing, name="found"),
    path("search.json", searching.as_json, name="search.json"),
    path("login", access.log_in, name="login"),
    path("login/link/<str:secret>", access.use_link, name="link"),
    path("logout", access.log_out, name="logout"),
    *answers.urlpatterns,
    path("v1/query", osv.query, name="osv-query"),
    path("v1/querybatch", osv.query_batch, name="osv-querybatch"),
    path("v1/vulns/<str:name>", osv.vulnerability, name="osv-vulns"),
    path("healthz", health.healthz, name="healthz"),
]

handler400 = "tightship.web.problems.bad_request"
handler403 = "tightship.web.problems.forbidden"
handler404 = "tightship.web.problems.not_found"
handler500 = "tightship.web.problems.failed"
