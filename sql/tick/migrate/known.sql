-- One row per migration that the store knows.
select after_tick, number from migrations
