-- One row per reason not to write to a customer.
select *, "at" as acted_at from internal.suppressions
