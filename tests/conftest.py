"""Hypothesis profiles, and `interpret`: what decides a case in the literal tests."""

import pytest
from hypothesis import HealthCheck, settings

from tests.engine import interface
from tests.oracle.interpreter import decide
from tests.semantics.cases import Interpret

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("default", max_examples=200, deadline=None, suppress_health_check=QUIET)
settings.register_profile("thorough", max_examples=2000, deadline=None, suppress_health_check=QUIET)
settings.load_profile("default")

INTERPRETERS: dict[str, Interpret] = {"oracle": decide, "engine": interface.decide}


@pytest.fixture(params=sorted(INTERPRETERS))
def interpret(request: pytest.FixtureRequest) -> Interpret:
    """A function from a case to its result."""
    return INTERPRETERS[request.param]
