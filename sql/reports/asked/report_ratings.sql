-- One row per workflow, template and measure (satisfaction, relevance): how people rated the messages.
--
-- Told by events `Feedback Submitted` that name the message by the property message_id; the properties satisfaction and
-- relevance are numbers, on whatever scale is asked. Of each message and measure the newest rating counts. distribution is
-- JSON: each rating that was given, and how often. Scanned: events of that name, and messages.
with
    given as (
        select
            properties ->> 'message_id' as message_id,
            unnest(['satisfaction', 'relevance']) as measure,
            unnest([properties ->> 'satisfaction', properties ->> 'relevance']) as said,
            try_cast(said as double) as rating,
            ts,
            event_id
        from events
        where name = 'Feedback Submitted'
    ),

    newest as (
        select message_id, measure, arg_max(rating, (ts, event_id)) as rating
        from given
        where message_id is not null and isfinite(rating)
        group by message_id, measure
    ),

    counted as (
        select messages.workflow_id, messages.template_id, newest.measure, newest.rating, count(*) as n
        from newest
        join messages using (message_id)
        group by all
    ),

    final as (
        select
            workflow_id,
            template_id,
            measure,
            sum(n)::bigint as ratings,
            sum(n * rating) / sum(n) as mean,
            '{' || string_agg(
                '"' || if(rating = round(rating), rating::hugeint::varchar, rating::varchar) || '":' || n, ',' order by rating
            ) || '}' as distribution
        from counted
        group by workflow_id, template_id, measure
    )

select * from final
order by workflow_id, template_id, measure
