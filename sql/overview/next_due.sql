-- One row per workflow with executions that go on by themselves, and '' for schedules by a date: when the next one is due.
with
    waiting as (
        select '' as workflow_id
        union
        select workflow_id from in_flight where n > 0 and workflow_id not in (select workflow_id from paused)
    ),

    final as (
        select
            workflow_id,
            (select min(due.at) from due where due.workflow_id = waiting.workflow_id) as at
        from waiting
    )

select workflow_id, at from final where at is not null order by at, workflow_id
