-- One row per workflow and version that was ever seen, by its number: how many executions run on it or are paused, how many
-- entries there were (held out or not; null: not counted since the store is Onward's of before), whether it is paused.
with
    counted as (
        select parts ->> '$[1]' as workflow_id, parts ->> '$[2]' as version, sum(n) as n
        from sums
        where name = 'entries_daily'
        group by 1, 2
    ),

    final as (
        select
            known.workflow_id,
            known.version,
            known.number,
            known.workflow_name,
            known.definition,
            known.first_seen_at,
            coalesce(in_flight.n, 0) as in_flight,
            case
                when counted.n is not null then counted.n
                when exists (select n from counted) or not exists (select n from sums) then 0
            end as entries,
            known.workflow_id in (select workflow_id from paused) as is_paused
        from workflow_versions as known
        left join in_flight
            on in_flight.workflow_id = known.workflow_id
            and in_flight.version = known.version
        left join counted
            on counted.workflow_id = known.workflow_id
            and counted.version = known.version
    )

select * from final
order by workflow_id, number
