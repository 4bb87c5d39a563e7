"""The stages of a tick as Prefect tasks."""
