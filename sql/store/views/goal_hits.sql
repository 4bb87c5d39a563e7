-- One row per fact that reached the goal of a customer's latest entry, held out or not, within the goal's window.
select *, "at" as acted_at from internal.goal_hits
