"""Tests of a folder or file, run all together: what came of each, and what it should have been."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.definitions.folder import Definitions, load_definitions
from flows.definitions.given import Places
from flows.definitions.rules import Rules, rules_of
from flows.definitions.scenarios import load_scenarios
from flows.definitions.templates import Templates, read_templates
from flows.delivery.rules import load_rules, rule_faults
from flows.errors import InputError
from flows.scenarios.cases import Case, cases_of
from flows.scenarios.compare import Difference, differences
from flows.scenarios.mails import Writer
from flows.scenarios.play import Outcome, Played, outcomes, play, share
from flows.scenarios.staging import Staged, stage_cases
from flows.settings import Settings
from flows.warehouse import connect
from transforms.definitions.content_rules import Rule
from transforms.definitions.patterns import Pattern
from transforms.definitions.workflow import DRAFT, Workflow
from transforms.program.compile import compile_program


@dataclass(frozen=True)
class Tested:
    """A test that was run.

    Attributes:
        case: the test.
        outcome: what came of it.
        differences: what of it should have been otherwise; none: it passes.
    """

    case: Case
    outcome: Outcome
    differences: Sequence[Difference]

    @property
    def concerns(self) -> set[str]:
        """The workflows that somebody entered in it, and those that its expectation names."""
        expect = self.case.scenario.expect
        return self.outcome.workflows | (expect.workflows if expect else set())


def places_of_tests(given: Path | None, settings: Settings) -> tuple[Path, Places]:
    """Where tests are, and the definitions that they test: by the settings, or beside the tests where such lie there.

    Raises:
        InputError: there is no such folder or file.
    """
    own = Places(settings.workflows, settings.patterns, settings.templates, settings.content)
    tests = settings.tests if given is None else given
    if not tests.exists():
        raise InputError(
            f"{tests}: no such folder or file of tests; docs/testing-workflows.md shows how to write one"
        )
    folder = (tests if tests.is_dir() else tests.parent).resolve()
    beside = folder.parent
    if folder == settings.tests.resolve() or not (beside / "workflows").is_dir():
        return tests, own
    return tests, Places(
        beside / "workflows", beside / "patterns.yaml", beside / "templates", beside / "content"
    )


@dataclass(frozen=True)
class Against:
    """What tests are run against.

    Attributes:
        workflows: all there are, as if they were active.
        unnamed: the ids of those that take part in tests that don't name any.
        patterns: by name.
        templates: the files of the templates folder.
        said: the personalization rules.
        rules: caps, times to send, the default time zone.
        settings: whom messages are from, where their links lead.
    """

    workflows: Sequence[Workflow]
    unnamed: Collection[str]
    patterns: Mapping[str, Pattern]
    templates: Templates
    said: Sequence[Rule]
    rules: Rules
    settings: Settings

    @classmethod
    def of(
        cls, found: Definitions, places: Places, settings: Settings, also: Collection[str] = ()
    ) -> "Against":
        """Definitions; active workflows, drafts and those of `also` take part unnamed."""
        unnamed = {one.workflow_id for one in found.workflows if one.is_live or one.is_active == DRAFT}
        active = [one.model_copy(update={"is_active": True}) for one in found.workflows]
        beside = settings.model_copy(
            update={"templates_dir": places.templates, "content_dir": places.content}
        )
        return cls(
            active,
            {*unnamed, *also},
            found.patterns,
            read_templates(places.templates),
            load_rules(places.content).rules,
            rules_of(settings, found),
            beside,
        )

    def chosen(self, case: Case) -> list[Workflow]:
        """Those that take part in a case."""
        names = case.workflows or self.unnamed
        return [one for one in self.workflows if one.workflow_id in names]


def run_tests(
    given: Path | None, settings: Settings, named: str | None = None, also: Collection[str] = ()
) -> list[Tested]:
    """Run tests.

    Args:
        given: a file or folder of them; None: that of the settings.
        settings: caps, quiet hours, the default time zone; where definitions are.
        named: only tests with this in their name, in any case.
        also: workflows that take part though they are inactive.

    Raises:
        InputError: a file of tests, workflows, patterns, templates or rules has faults; all of them are told.
    """
    tests, places = places_of_tests(given, settings)
    found = load_definitions(places.workflows, places.patterns, places.templates)
    known = [*(one.workflow_id for one in found.workflows), *found.unreadable]
    read, faults = load_scenarios(tests, known)
    faults += [*found.faults, *rule_faults(None, places, found)]
    cases = [case for one in read for case in cases_of(one)]
    against = Against.of(found, places, settings, also)
    faults += [fault for case in cases for fault in _faults(case, against)]
    if faults:
        raise InputError("\n".join([*faults, f"faults: {len(faults)}; no test was run"]))
    chosen = [one for one in cases if named is None or named.casefold() in one.name.casefold()]
    with connect(threads=1) as con:
        return run_cases(con, chosen, stage_cases(con, chosen), against)


def _faults(case: Case, against: Against) -> list[str]:
    """What keeps a case from being run: crons without an end."""
    crons = [one.workflow_id for one in against.chosen(case) if _has_cron(one)]
    if not crons or case.scenario.until is not None:
        return []
    names = ", ".join(crons)
    return [case.fault(f"{names} fires again and again; give 'until', or 'workflows' without it")]


def _has_cron(workflow: Workflow) -> bool:
    return any("cron" in one.config for one in workflow.triggers)


def run_cases(
    con: DuckDBPyConnection, cases: Sequence[Case], staged: Staged, against: Against
) -> list[Tested]:
    """Run cases that were staged, those with the same workflows together."""
    together: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, case in enumerate(cases):
        together[tuple(one.workflow_id for one in against.chosen(case))].append(number)
    played: dict[int, Played] = {}
    for numbers in together.values():
        chosen = against.chosen(cases[numbers[0]])
        program = compile_program(chosen, (), against.patterns, against.rules.send_times)
        shared = share(con, staged.of(numbers), program, against.rules)
        played |= {number: play(shared, number, cases[number]) for number in numbers}
    writer = Writer(against.workflows, against.templates, against.said, against.settings)
    came = outcomes(writer, [played[number] for number in range(len(cases))])
    return [
        Tested(case, outcome, differences(case, outcome)) for case, outcome in zip(cases, came, strict=True)
    ]
