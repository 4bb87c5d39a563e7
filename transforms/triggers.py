"""What triggers look at: the type's own config key, compared with the fact's name (semantics.md §6)."""

OWN_KEY = {
    "behavioral": "action",
    "attribute_change": "attribute",
    "external_event": "source",
    "time_based": "trigger_time",
    "workflow_action": "action",
    "pattern": "pattern",
}
