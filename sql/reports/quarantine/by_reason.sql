-- One row per kind of reason (what stands before its colon), of refused rows whose reason holds $text: how many they are, the
-- first of them, and since when until when.
with
    refused as (
        select *, split_part(reason, ':', 1) as kind
        from quarantine
        where contains(lower(reason), lower($text))
    ),

    final as (
        select
            kind as reason,
            count(*) as rows,
            arg_min(file, (batch_id, line)) as file,
            arg_min(line, (batch_id, line)) as line,
            arg_min(reason, (batch_id, line)) as first_reason,
            arg_min(row, (batch_id, line)) as row,
            min(quarantined_at) as first_at,
            max(quarantined_at) as last_at
        from refused
        group by kind
    )

select * from final
order by rows desc, reason
