-- No rows: how the files of this folder read text, instants, numbers and JSON objects.
-- Arguments called `json` are raw JSON values, arguments called `given` are plain text.

-- Blank is missing. Trimming is slow, so only where there is something to trim in front.
create or replace temp macro text_of(given) as case
    when left(given, 1) > ' ' then given
    else nullif(trim(given, e' \t\r\n'), '')
end;

-- 12346 and 12346.0 are one id; lists and objects are none.
create or replace temp macro id_of(given) as case
    when left(given, 1) in ('{', '[') then null
    when suffix(given, '.0') then regexp_replace(given, '^(-?\d+)\.0+$', '\1')
    else text_of(given)
end;

-- Seconds, milliseconds or microseconds since 1970, told apart by magnitude (each covers 1973 to 5138).
create or replace temp macro epoch_instant(number) as make_timestamp(round(case
    when abs(number) < 1e11 then number * 1e6
    when abs(number) < 1e14 then number * 1e3
    when abs(number) < 1e17 then number
end)::bigint)::timestamptz;

create or replace temp macro is_bounded(instant) as
    instant between timestamptz '0001-01-01 00:00:00+00' and timestamptz '9999-12-31 23:59:59.999999+00';

create or replace temp macro bounded(instant) as case when is_bounded(instant) then instant end;

-- A zone-less time is UTC because the session's TimeZone is.
create or replace temp macro iso_instant(given) as case
    when regexp_full_match(
        given, '(?i)\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?)? *'
    ) then try_cast(upper(given) as timestamptz)
end;

create or replace temp macro instant_of(given) as bounded(case
    when substr(given, 5, 1) = '-' then iso_instant(given)
    else epoch_instant(try_cast(given as double))
end);

create or replace temp macro finite(number) as case when isfinite(number) then number end;

create or replace temp macro number_of(given) as finite(try_cast(given as double));

create or replace temp macro has_non_finite(given) as
    contains(given, 'NaN') or contains(given, 'Infinity') or regexp_matches(given, '\d[eE]\+?\d{3}');

-- DuckDB reads and writes NaN, Infinity and 1e999, which JSON hasn't: null, except inside strings.
create or replace temp macro without_non_finite(given) as case
    when has_non_finite(given) then array_to_string(list_transform(
        regexp_extract_all(given, '"(?:[^"\\]|\\.)*"|[^"]+'),
        lambda part: case when left(part, 1) = '"' then part else regexp_replace(
            part,
            '-?(NaN|Infinity|\d+(\.\d+)?[eE]\+?0*(309|3[1-9]\d|[4-9]\d\d|[1-9]\d{3,}))',
            'null',
            'g'
        ) end
    ), '')
    else given
end;

create or replace temp macro is_object(given) as
    given = '{}' or (left(ltrim(given, e' \t\r\n'), 1) = '{' and json_valid(given));

create or replace temp macro object_text(given) as
    case when is_object(given) then without_non_finite(given) end;

-- An object, or a string that holds one (CSV cells, exports that escape their JSON), without blanks.
create or replace temp macro object_of(json) as case
    when left(json, 1) = '{' then without_non_finite(json::varchar)
    when left(json, 1) = '"' then without_non_finite(json_extract(
        case when is_object(json ->> '$') then json ->> '$' end, '$'
    )::varchar)
end;

-- What was given where no object could be read from it.
create or replace temp macro not_object(json) as case
    when left(json, 1) = '{' then null
    when object_of(json) is null then text_of(json ->> '$')
end;

-- The same text whatever the order of the keys; an object with one key twice has no such order.
create or replace temp macro sorted_object(given) as coalesce(
    to_json(map_from_entries(list_sort(map_entries(json_transform(given, '"MAP(VARCHAR, JSON)"')))))::varchar,
    given
);

-- Both objects' entries, those of `winner` where both have one; unlike json_merge_patch it keeps nulls.
create or replace temp macro merged(given, winner) as coalesce(
    to_json(map_concat(
        json_transform(given, '"MAP(VARCHAR, JSON)"'), json_transform(winner, '"MAP(VARCHAR, JSON)"')
    ))::varchar,
    json_merge_patch(given, winner)::varchar
);

-- A CSV cell as JSON: numbers, true and false, objects and lists as such; 007 and 1e5 stay text.
create or replace temp macro cell(given) as case
    when trim(given) = '' then null
    when regexp_full_match(given, '-?(0|[1-9]\d{0,17})(\.\d+)?') then given
    when lower(given) in ('true', 'false') then lower(given)
    when left(given, 1) in ('{', '[') and json_valid(given) then given
    else to_json(given)::varchar
end;

create or replace temp macro id_cell(given) as case
    when trim(given) <> '' then to_json(regexp_replace(given, '^(-?\d+)\.0+$', '\1'))::varchar
end;

-- What quarantine keeps of a row: its text as it was given, without its line end; null for a good one.
create or replace temp macro quarantined_row(reason, given) as case
    when reason = 'line_too_long' then left(rtrim(given, e'\r\n'), 1000)
    when reason is not null then rtrim(given, e'\r\n')
end;
