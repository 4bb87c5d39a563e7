-- No rows: how values of Parquet's types become JSON text, each null where the value is; used at any depth of a column.

create or replace temp macro json_string(stored) as to_json(stored::varchar)::varchar;

-- Text of the type JSON is what it says.
create or replace temp macro json_itself(stored) as
    case when json_valid(stored::varchar) then stored::varchar else json_string(stored) end;

create or replace temp macro json_literal(stored) as stored::varchar;

create or replace temp macro json_float(stored) as
    case when isfinite(stored) then to_json(stored::double)::varchar when stored is not null then 'null' end;

create or replace temp macro without_zeros(digits) as
    case when contains(digits, '.') then rtrim(rtrim(digits, '0'), '.') else digits end;

create or replace temp macro json_decimal(stored) as without_zeros(stored::varchar);

-- A duration is a number of seconds (semantics.md §2); Parquet keeps it as a number of smaller units.
create or replace temp macro json_seconds(stored, unit) as
    without_zeros((stored::decimal(19, 0) * unit)::varchar);

-- Instants to the microsecond as semantics.md §2 writes them; what is none (infinity) is null.
create or replace temp macro instant_text(shown) as
    without_zeros(left(replace(replace(shown, ' ', 'T'), '+00', ''), 26));

create or replace temp macro json_wall(stored) as
    case when isfinite(stored::timestamp) then json_string(instant_text(stored::varchar)) end;

create or replace temp macro json_instant(stored) as
    case when isfinite(stored::timestamptz) then json_string(instant_text(stored::varchar) || 'Z') end;

create or replace temp macro json_date(stored) as
    case when isfinite(stored) then json_string(stored) end;

create or replace temp macro json_time(stored) as json_string(without_zeros(left(stored::varchar, 15)));

create or replace temp macro json_bytes(stored) as json_string(coalesce(try(decode(stored)), stored::varchar));

create or replace temp macro is_undecodable(stored) as stored is not null and try(decode(stored)) is null;

-- Whole numbers are their integer, of whatever type and size; other numbers are as they are written.
create or replace temp macro id_float(stored) as case
    when isfinite(stored) is not true then null
    when stored = trunc(stored) then json_string(try_cast(stored as bignum))
    else json_string(to_json(stored::double))
end;

create or replace temp macro json_key(key) as case when left(key, 1) = '"' then key else '"' || key || '"' end;

create or replace temp macro id_decimal(stored) as json_string(json_decimal(stored));
