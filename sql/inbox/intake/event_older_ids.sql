-- One row per good event of what is judged that would have had another id in semantics 1: both.
select event_id, older_id from judged where reason is null and older_id is not null
