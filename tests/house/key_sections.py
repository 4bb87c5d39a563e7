"""What docs/workflow-keys.md has sections for: kinds of files, and the mappings that stand in them."""

from collections.abc import Mapping
from dataclasses import dataclass

from transforms.definitions import (  # fmt: skip
    actions,
    branching,
    conditions,
    content_rules,
    expectation,
    patterns,
    scenario,
    send_times,
    triggers,
    variants,
    workflow,
)
from transforms.definitions.base import Definition

Model = type[Definition]


@dataclass(frozen=True)
class Section:
    """A kind of mapping: what people call it, and the model that declares its keys."""

    title: str
    model: Model


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        title: what people call it.
        name: of its file of examples.
        told: what is said before its keys.
        base: what stands in a file whose example lacks these keys.
        sections: its mappings; a base class stands for what inherits from it.
    """

    title: str
    name: str
    told: str
    base: Mapping[str, str]
    sections: tuple[Section, ...]


WORKFLOW = Kind(
    "Workflow files",
    "workflow",
    "Of `data/workflows/`. What an example lacks is: `workflow_id: example`, `workflow_name: Example`, "
    "`triggers: [{type: behavioral, config: {action: signed_up}}]`.",
    {
        "workflow_id": "workflow_id: example",
        "workflow_name": "workflow_name: Example",
        "triggers": "triggers: [{type: behavioral, config: {action: signed_up}}]",
    },
    (
        Section("a workflow", workflow.Workflow),
        Section("a trigger", triggers.Trigger),
        Section("a goal", triggers.Goal),
        Section("re-entry", workflow.Reentry),
        Section("a branch", workflow.Branch),
        Section("a condition", conditions.Condition),
        Section("a criterion", conditions.Criterion),
        Section("a group of conditions", conditions.Group),
        Section("quiet hours", send_times.QuietHours),
        Section("a send window", send_times.SendWindow),
        Section("an action", actions.ActionBase),
        Section("an action that decides", branching.Branching),
        Section("send_email", actions.SendEmail),
        Section("what an e-mail says", variants.Said),
        Section("an e-mail", actions.Message),
        Section("a variant", variants.Variant),
        Section("a winner", variants.Winner),
        Section("wait", actions.Wait),
        Section("how long to wait", actions.WaitConfig),
        Section("add_tag", actions.AddTag),
        Section("remove_tag", actions.RemoveTag),
        Section("a tag", actions.Tag),
        Section("update_attribute", actions.UpdateAttribute),
        Section("an attribute's new value", actions.AttributeValue),
        Section("trigger_webhook", actions.TriggerWebhook),
        Section("a request", actions.Request),
        Section("branch_decision", branching.BranchDecision),
        Section("what is decided by", branching.Decision),
        Section("random_split", branching.RandomSplit),
        Section("what is drawn from", branching.Split),
        Section("wait_for_event", branching.WaitForEvent),
        Section("what is waited for", branching.AwaitedEvent),
        Section("end_workflow", actions.EndWorkflow),
    ),
)
KINDS = (
    WORKFLOW,
    Kind(
        "The patterns file",
        "patterns",
        "`data/patterns.yaml`: a mapping of names to patterns.",
        {},
        (
            Section("a pattern", patterns.PatternBase),
            Section("a sequence", patterns.SequencePattern),
            Section("a weighted score", patterns.WeightedScorePattern),
            Section("a cumulative pattern", patterns.CumulativePattern),
            Section("an ordered pattern", patterns.OrderedPattern),
            Section("a term", patterns.DeclaredTerm),
            Section("a term with bounds", patterns.CountedTerm),
            Section("a term with a weight", patterns.WeightedTerm),
            Section("a term with a threshold", patterns.ThresholdTerm),
            Section("a term of an order", patterns.OrderedTerm),
        ),
    ),
    Kind(
        "Files of personalization rules",
        "content",
        "Of `data/content/` ([personalization.md](personalization.md)).",
        {},
        (
            Section("a file of rules", content_rules.ContentRules),
            Section("a rule", content_rules.Rule),
        ),
    ),
    Kind(
        "Files of tests",
        "tests",
        "Of `data/tests/` ([testing-workflows.md](testing-workflows.md)). What an example lacks is: "
        "`customers: {ann: {}}`, and a test.",
        {
            "customers": "customers: {ann: {}}",
            "tests": "tests: [{name: example, from: 2026-03-01, expect: {messages: []}}]",
        },
        (
            Section("a file of tests", scenario.ScenarioFile),
            Section("a test", scenario.Scenario),
            Section("an event", scenario.Occurrence),
            Section("what is expected", expectation.Expectation),
            Section("a row that is expected", expectation.Row),
            Section("a message", expectation.ExpectedMessage),
            Section("a message that must not be", expectation.ForbiddenMessage),
            Section("an execution", expectation.ExpectedExecution),
            Section("a step", expectation.ExpectedStep),
            Section("a webhook request", expectation.ExpectedWebhook),
            Section("a customer at the end", expectation.ExpectedProfile),
        ),
    ),
)
ALIKE: Mapping[Model, Model] = {conditions.CriteriaGroup: conditions.Group}
"""Models whose keys are those of another."""
SECTIONS = {one.model: one for kind in KINDS for one in kind.sections}
