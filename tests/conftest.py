"""Hypothesis profiles, and `interpret`: what decides a case in the literal tests."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from tests.engine import interface
from tests.oracle.interpreter import decide
from tests.semantics.cases import Case, Result

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("default", max_examples=200, deadline=None, suppress_health_check=QUIET)
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=QUIET)
settings.load_profile("default")

INTERPRETERS: dict[str, Callable[[Case], Result]] = {"oracle": decide, "engine": interface.decide}


@pytest.fixture(params=sorted(INTERPRETERS))
def interpret(request: pytest.FixtureRequest) -> Callable[[Case], Result]:
    """A function from a case to its result."""
    return INTERPRETERS[request.param]
