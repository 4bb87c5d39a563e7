-- One row per logged outcome of a step: what was done, skipped or suppressed, and when.
select *, "at" as acted_at from internal.steps
