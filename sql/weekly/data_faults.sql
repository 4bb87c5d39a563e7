-- One row per kind of fault in what came in during the seven days until $until: what, of which kind, how many, and how many
-- in the seven days before.
--
-- what: refused (an input row; kind is its reason up to the colon), counted (kind is a reason of tick_counts, but future, which
-- is no fault). A week is (until - 168 hours, until], as in report_last_week.
with
    happened as (
        select 'refused' as what, split_part(reason, ':', 1) as kind, quarantined_at as happened_at, 1 as n
        from quarantine
        union all
        select 'counted', tick_counts.reason, ticks.now, tick_counts.n
        from tick_counts
        join ticks using (tick_id)
        where tick_counts.reason <> 'future'
    ),

    final as (
        select
            what,
            kind,
            coalesce(sum(n) filter (happened_at > $until::timestamptz - interval '168 hours'), 0)::bigint as last_week,
            coalesce(sum(n) filter (happened_at <= $until::timestamptz - interval '168 hours'), 0)::bigint as week_before
        from happened
        where happened_at > $until::timestamptz - interval '336 hours' and happened_at <= $until::timestamptz
        group by what, kind
    )

select * from final
where last_week > 0
order by last_week desc, what, kind
