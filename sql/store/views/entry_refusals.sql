-- One row per refused entry into a workflow, with the reason.
select *, "at" as decided_at from internal.entry_refusals
