-- One row per UTC day, kind of trouble, file and detail: rows that were refused, left out, late, or that no workflow reads.
--
-- quarantined: by file and reason, on the day it was loaded; duplicate: by file; late, too_late, future, unknown_customer,
-- anonymous, refused_files: events (the last: files) that ticks of that day didn't process, or not in full. unread: events by
-- name (detail), on the day of their ts, whose name stands nowhere in a workflow or pattern of the last tick; what reports and
-- delivery read (messages' events, orders, ratings) isn't among them, nor any type that a trigger reads without naming one.
-- Scanned: day, type and name of all events, once; quarantine, batches, tick_counts.
with
    basis as (select basis::json as basis from ticks where basis is not null order by tick_id desc limit 1),

    in_use as (
        select workflow_versions.definition
        from workflow_versions
        semi join (
            select json_each.value ->> 1 as version from basis, json_each(basis.basis -> 0)
        ) as used using (version)
    ),

    -- Everything that stands in them, objects and texts alike.
    written as (
        select tree.type, tree.value from in_use, json_tree(in_use.definition) as tree
        union all
        select tree.type, tree.value from basis, json_tree(basis.basis -> 4) as tree
    ),

    texts as (select distinct value ->> '$' as text from written where type = 'VARCHAR'),

    read_names as (
        select text as name from texts
        union
        select coalesce(
            nullif(regexp_extract(text, '^events\.(.+)\.days_since$', 1), ''),
            regexp_extract(text, '^events\.(.+)\.(count|sum)(\..+)?$', 1)
        )
        from texts
        where text like 'events.%'
        union
        select name from internal.money
        union
        select unnest([
            'Email Delivered', 'Email Opened', 'Email Link Clicked', 'Email Bounced', 'Email Marked as Spam',
            'Unsubscribed', 'Feedback Submitted', 'webhook_response'
        ])
    ),

    awaited as (
        select value ->> 'type' as type, value -> 'config' as config
        from written
        where type = 'OBJECT'
        union all
        select coalesce(value ->> '$.config.type', 'behavioral'), value -> '$.config.event'
        from written
        where type = 'OBJECT' and (value ->> 'type') = 'wait_for_event'
    ),

    -- Triggers that name no action, source or label read all events of their type; schedules read none.
    read_types as (
        select distinct type
        from awaited
        where not list_has_any(
            coalesce(json_keys(config), []), ['action', 'source', 'trigger_time', 'cron', 'attribute', 'offset', 'at']
        )
    ),

    unread as (
        select (ts at time zone 'UTC')::date as day, 'unread' as kind, null as file, name as detail, count(*) as rows
        from events
        anti join read_names using (name)
        anti join read_types using (type)
        where type <> 'attribute_change'
        group by all
    ),

    refused as (
        select
            (quarantined_at at time zone 'UTC')::date as day,
            'quarantined' as kind,
            file,
            reason as detail,
            count(*) as rows
        from quarantine
        group by all
    ),

    repeated as (
        select
            (loaded_at at time zone 'UTC')::date as day,
            'duplicate' as kind,
            file,
            null as detail,
            sum(duplicates)::bigint as rows
        from batches
        where duplicates > 0
        group by all
    ),

    not_processed as (
        select
            (ticks.now at time zone 'UTC')::date as day,
            tick_counts.reason as kind,
            null as file,
            null as detail,
            sum(tick_counts.n)::bigint as rows
        from tick_counts
        join ticks using (tick_id)
        group by all
    ),

    final as (
        from refused
        union all by name from repeated
        union all by name from not_processed
        union all by name from unread
    )

select * from final
order by day, kind, file, detail
