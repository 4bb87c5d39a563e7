-- One row per good event of what is judged: its id.
select event_id from judged where reason is null
