-- Notes those of $keys of $kind that aren't kept track of yet, in their order; they get the next numbers.
insert into watched_keys (number, kind, key, tracked)
with
    wanted as (select unnest($keys::varchar[]) as key, generate_subscripts($keys::varchar[], 1) as place),

    tracked as (select key from watched_keys where kind = $kind and tracked),

    used as (select count(*) as numbers from watched_keys),

    final as (
        select
            used.numbers + row_number() over (order by wanted.place) as number,
            $kind as kind,
            wanted.key,
            true as tracked
        from wanted
        anti join tracked using (key)
        cross join used
    )

select * from final
returning key
