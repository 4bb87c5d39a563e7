-- An amount of one customer's events, `one` row of `history` each: of those named `event` that are `offset` µs old or
-- older, and younger than `offset` + `width` (null: of any age); null if none is that old. Of metric `last`: when the last
-- one happened.
create or replace temp macro history_amount(one, metric, event, "offset", width) as case
    when metric = 'last' then epoch_us(max(one.ts) filter (one.name = event))
    when count(*) filter (one.name = event and one.age >= "offset") = 0 then null
    when metric = 'count' then count(*) filter (
        one.name = event and one.age >= "offset" and coalesce(one.age < "offset" + width, true)
    )
    else coalesce(sum(one.millionths) filter (
        one.name = event and one.age >= "offset" and coalesce(one.age < "offset" + width, true)
    ), 0)
end::bigint
