"""The key of a step: what messages, their contents, variants and winners are joined on."""

STEP = ("workflow_id", "version", "branch", "step")
"""Its columns."""

StepKey = tuple[str, str, str, str]
"""A step of a version of a workflow, as `STEP` names it."""
