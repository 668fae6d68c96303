"""Schemathesis asks a real service whatever the API's document allows, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.web.service import Service, python, serving
from tightship.web.api import described

schemathesis = pytest.importorskip("schemathesis")

TOKEN = """
import django; django.setup()
from datetime import UTC, datetime
from tightship.store import tokens
print(tokens.create("read", datetime.now(UTC))[1], file=open({path!r}, "w"))
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    data = tmp_path_factory.mktemp("service")
    with serving(data) as running:
        path = data / "token"
        python(running.environment, TOKEN.format(path=str(path)))
        yield running, path.read_text().strip()


SCHEMA = schemathesis.openapi.from_dict(described.openapi())
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]


def asked_all(operation: Any, service: tuple[Service, str], examples: int) -> None:
    running, token = service
    headers = {"Authorization": f"Bearer {token}"}
    modes = list(schemathesis.GenerationMode)
    from hypothesis import given
    from hypothesis import strategies as st

    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def ask(case: Any) -> None:
        answer = case.call(base_url=running.address, headers=headers)
        checks = [
            schemathesis.checks.not_a_server_error,
            *(
                getattr(schemathesis.specs.openapi.checks, name)
                for name in (
                    "status_code_conformance",
                    "content_type_conformance",
                    "response_schema_conformance",
                )
            ),
        ]
        case.validate_response(answer, checks=checks)

    ask()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_nothing_that_is_asked_is_answered_otherwise_than_documented(
    operation: Any, service: tuple[Service, str]
) -> None:
    asked_all(operation, service, 25)


@pytest.mark.soak
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
def test_nothing_that_is_asked_for_long_is_answered_otherwise(
    operation: Any, service: tuple[Service, str]
) -> None:
    asked_all(operation, service, 1_000)
