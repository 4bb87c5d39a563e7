"""Hypothesis profiles, the order of tests, progress, and `interpret`: what decides a case in the literal tests."""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.engine import interface
from tests.oracle.interpreter import decide
from tests.progress import Progress
from tests.semantics.cases import Interpret

THOROUGH = int(os.environ.get("ONWARD_EXAMPLES", "500"))
"""How many cases `make test-all` tries to break each law with; more of them take hours."""
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("quick", max_examples=20, deadline=None, suppress_health_check=QUIET)
settings.register_profile("default", max_examples=100, deadline=None, suppress_health_check=QUIET)
settings.register_profile("thorough", max_examples=THOROUGH, deadline=None, suppress_health_check=QUIET)
settings.load_profile("default")


@pytest.hookimpl(trylast=True)  # after the terminal has been set up
def pytest_configure(config: pytest.Config) -> None:
    """Long runs tell how far they are; processes that run tests for another don't."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config.pluginmanager.get_plugin("terminalreporter")))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may take long comes first, so that two processes end at about the same time."""
    items.sort(key=lambda one: not (one.get_closest_marker("slow") or _is_law(one)))


def _is_law(item: pytest.Item) -> bool:
    """Whether Hypothesis looks for a case that breaks it."""
    return getattr(getattr(item, "obj", None), "is_hypothesis_test", False)


@pytest.fixture(autouse=True, scope="session")
def _made_once(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Stores of tests needn't each make all views anew."""
    from tests.published import made_once

    with made_once(tmp_path_factory.mktemp("published")):
        yield


INTERPRETERS: dict[str, Interpret] = {"oracle": decide, "engine": interface.decide}


@pytest.fixture(params=sorted(INTERPRETERS))
def interpret(request: pytest.FixtureRequest) -> Interpret:
    """A function from a case to its result."""
    return INTERPRETERS[request.param]
