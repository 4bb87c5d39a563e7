-- No rows: how the files of this folder read text, instants, numbers and JSON objects.
-- Arguments called `json` are raw JSON values, arguments called `given` are plain text.

-- What doesn't count at either end of a text: blanks, tabs, line ends, no-break spaces, byte order marks.
create or replace temp macro trimmed(given) as
    trim(given, e' \t\n\r' || chr(11) || chr(12) || chr(160) || chr(65279));

-- Trimming is slow: most texts begin and end with a character that stays.
create or replace temp macro is_trimmed(given) as case
    when given >= '!' and given < chr(127) and given[-1] between '!' and '~' then true
    else given = trimmed(given)
end;

-- Blank is missing.
create or replace temp macro text_of(given) as case
    when given >= '!' and given < chr(127) and given[-1] between '!' and '~' then given
    else nullif(trimmed(given), '')
end;

-- 12346.0 and 1.2e+19 are whole numbers that somebody kept as floats; 1e3 is a text, because no writer writes 1000 so.
create or replace temp macro is_float(given) as
    (contains(given, '.') or contains(given, '+'))
    and regexp_full_match(given, '-?\d+(\.0+|\.\d+[eE]\+?\d+|[eE]\+\d+)');

create or replace temp macro whole_of(given) as case
    when not contains(lower(given), 'e') then regexp_replace(given, '\.0+$', '')
    when try_cast(given as double) = trunc(try_cast(given as double))
        then try_cast(try_cast(given as double) as bignum)::varchar
    else given
end;

-- The numbers that an object's text has under a name, as they are written.
create or replace temp macro written_numbers(body, field) as regexp_extract_all(
    body::varchar, '"' || field || '"\s*:\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)', 1
);

-- An id that is a JSON number DuckDB has read as a double: its integer by the digits in the text of the object. No lambda of
-- these names anything around it: that takes long, even where the case isn't met.
create or replace temp macro exact_id(given, body, field) as case
    when given < ':' and (contains(given, '.') or contains(given, 'e'))
        and regexp_full_match(given, '-?(\d{16,}\.0+|\d+(\.\d+)?[eE]\+?\d+)')
        then coalesce(whole_of(written_numbers(body, field)[list_position(
            list_transform(written_numbers(body, field), lambda written: try_cast(written as double)),
            try_cast(given as double)
        )]), given)
    else given
end;

-- JSON escapes control characters, and fast; of texts with quotes and backslashes too a closer look is needed.
create or replace temp macro has_control(given) as case
    when strlen(to_json(given)::varchar) = strlen(given) + 2 and not contains(given, chr(127)) then false
    else regexp_matches(given, '[\x00-\x1f\x7f]')
end;

-- Whether an id can stay as it is. Nearly all are of letters, digits and -_.~, which an address doesn't escape: that shows
-- fastest. Cases, because all parts of an `and` would be computed.
create or replace temp macro is_id(given) as case
    when url_encode(given) <> given then given <> ''
        and is_trimmed(given)
        and not has_control(given)
        and left(given, 1) not in ('{', '[')
        and not is_float(given)
    when given >= 'A' then true
    else given <> '' and not is_float(given)
end;

-- The id in a trimmed text that can't stay as it is: 12346 and 12346.0 are one id.
create or replace temp macro other_id(trimmed) as case
    when left(trimmed, 1) in ('{', '[') then null
    when is_float(trimmed) then whole_of(trimmed)
    else trimmed
end;

-- Lists, objects and blanks are no ids; what begins with a letter or a digit is none of these.
create or replace temp macro is_no_id(given) as case
    when given between '0' and 'Z~' or given between '_' and 'z~' then false
    else other_id(text_of(given)) is null
end;

create or replace temp macro id_of(given) as case when is_id(given) then given else other_id(text_of(given)) end;

-- Why a text can't be the id called `field`.
create or replace temp macro id_fault(field, id, given) as case
    when is_id(id) then null
    when id is null or trimmed(id) = '' then 'no_' || field || coalesce(': ' || left(given, 100), '')
    when has_control(id) then 'bad_' || field || ': it holds a control character: ' || left(to_json(id)::varchar, 100)
end;

-- Tags are no attribute: one of that name could never be asked for.
create or replace temp macro names_tags(attributes) as case
    when not contains(attributes, '"tags"') then false
    when json_valid(attributes) then json_exists(attributes, '$.tags')
end;

create or replace temp macro tags_fault() as
    'bad_attributes: no attribute can be called tags, because tags are a list of their own; give it another name';

create or replace temp macro is_bounded(instant) as
    instant between timestamptz '0001-01-01 00:00:00+00' and timestamptz '9999-12-31 23:59:59.999999+00';

-- Why an event is too far ahead of its loading (semantics.md §4), where something is: a backtest has no limit.
create or replace temp macro future_fault(ts) as case
    when ts > getvariable('future_limit')
        then 'future: ' || ts || ' is more than ' || getvariable('future_most') || ' ahead'
end;

-- JSON numbers may have an exponent.
create or replace temp macro without_exponent(given) as case
    when regexp_full_match(given, '\d+(\.\d+)?[eE]\+?\d{1,2}')
        then coalesce(try_cast(given as decimal(38, 9))::varchar, given)
    else given
end;

-- Any text of the one grammar of instants, semantics.md §2, which `instant_micros` reads: transforms/timing/instants.py. Below are
-- those forms of it that nearly all texts have, which DuckDB reads faster.
create or replace temp macro other_instant(given) as make_timestamptz(instant_micros(without_exponent(trimmed(given))));

-- What programs write most, which DuckDB's own parser of a form reads in half the time. It passes over blanks at both ends, and
-- over zeros that lack before a digit: so the ends are looked at, and of these lengths no zero lacks. To fail takes it long: hence
-- the look at the T. A cast to TIMESTAMPTZ would take as long as all else.
create or replace temp macro usual_instant(given) as case
    when given >= '0001' and given < ':' and (suffix(given, 'Z') or suffix(given, '+00:00'))
        and given like '__________T%' then case strlen(given)
        when 24 then make_timestamptz(epoch_us(try_strptime(given, '%Y-%m-%dT%H:%M:%S.%gZ')))
        when 20 then make_timestamptz(epoch_us(try_strptime(given, '%Y-%m-%dT%H:%M:%SZ')))
        when 25 then make_timestamptz(epoch_us(try_strptime(given, '%Y-%m-%dT%H:%M:%S+00:00')))
    end
end;

create or replace temp macro counted_instant(micros) as case
    when micros >= 946684800000000 and micros < 4102444800000000 then make_timestamptz(micros)
end;

-- A zone-less time is UTC because the session's TimeZone is. Years that begin with 1 or 2 need no look at whether they are within 1
-- and 9999.
create or replace temp macro instant_of(given) as coalesce(usual_instant(given), case
    when regexp_full_match(given,
        '[12]\d{3}-\d{2}-\d{2}([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z| UTC|[+-]([01]\d|2[0-3]):[0-5]\d)?)?'
    ) then try_cast(given as timestamptz)
    when regexp_full_match(given, '[1-9]\d{9}(\d{3}){0,2}')
        then counted_instant(try_cast(given as bigint) * case len(given) when 10 then 1000000 when 13 then 1000 else 1 end)
    when given is not null then other_instant(given)
end);

create or replace temp macro finite(number) as case when isfinite(number) then number end;

create or replace temp macro number_of(given) as finite(try_cast(given as double));

-- What a number was read from; null where none could be.
create or replace temp macro text_of_number(given) as case when isfinite(try_cast(given as double)) then given end;

create or replace temp macro is_type(given) as
    given in ('behavioral', 'attribute_change', 'external_event', 'time_based');

-- The fields of an object; to try takes a tenth of all the time, so it is done only if a line turns out not to be JSON.
create or replace temp macro fields_of(body, kinds) as case
    when getvariable('staging_tries') then try(json_transform(body, kinds))
    else json_transform(body, kinds)
end;

-- Why there is no object, where its fields could not be read.
create or replace temp macro unread(fault, field, body) as case
    when fault is null and body is not null and field is null then 'not_json'
    else fault
end;

create or replace temp macro is_object(given) as
    given = '{}' or (left(ltrim(given, e' \t\r\n'), 1) = '{' and json_valid(given));

-- An object, or a string that holds one (CSV cells, exports that escape their JSON), without blanks; as text, because what is
-- to become JSON is parsed once more.
create or replace temp macro given_object(json) as case
    when left(json, 1) = '{' then json::varchar
    when left(json, 1) = '"' then json_extract(case when is_object(json ->> '$') then json ->> '$' end, '$')::varchar
end;

-- What was given where no object could be read from it.
create or replace temp macro not_object(json) as case
    when left(json, 1) = '{' then null
    when given_object(json) is null then text_of(json ->> '$')
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

-- What a CSV cell spells: 007, 1e5 and numbers of more than 18 digits are text.
create or replace temp macro cell_kind(given) as case
    when regexp_full_match(given, '-?(0|[1-9]\d{0,17})(\.\d+)?') then 'number'
    when lower(given) in ('true', 'false') then 'boolean'
    when left(given, 1) in ('{', '[') and json_valid(given) then 'json'
    else 'text'
end;

-- A CSV cell as JSON, by what it spells.
create or replace temp macro cell(given) as case
    when trim(given) = '' then null
    else case cell_kind(given)
        when 'text' then to_json(given)::varchar
        when 'boolean' then lower(given)
        else given
    end
end;

create or replace temp macro text_cell(given) as case
    when trim(given) <> '' then to_json(given)::varchar
end;

-- A cell of a column that is set to hold numbers; what is none is read by what it spells.
create or replace temp macro number_cell(given) as cell(
    case when isfinite(try_cast(given as double)) then regexp_replace(trim(given), '^\+?(-?)0+(\d)', '\1\2') else given end
);

-- What quarantine keeps of a row: its text as it was given, without its line end; null for a good one.
create or replace temp macro quarantined_row(reason, given) as case
    when reason = 'line_too_long' then left(rtrim(given, e'\r\n'), 1000)
    when reason is not null then rtrim(given, e'\r\n')
end;

-- Segment's traits: those of the call, and those of its context for names that the call lacks. What is no object stays as given.
create or replace temp macro traits_of(own, contextual) as case
    when contextual is null or json_type(contextual) <> 'OBJECT' then own
    when own is null or json_type(own) = 'NULL' then contextual
    when json_type(own) = 'OBJECT' then merged(contextual::varchar, own::varchar)::json
    else own
end;

-- The same text for all objects that are equal (semantics.md §5): keys sorted at every depth, 2.0 as 2. Most are flat and have
-- no such number, and need no parser.
create or replace temp macro canonical_object(given) as case
    when regexp_matches(given, '.[\[{]|\\|[:,]\s*-?\d+[.eE]|[:,]\s*-0') then canonical_json(given)
    else sorted_object(given)
end;

-- A page's properties, its name among them; one of another name stays where `merged` keeps nulls, and this doesn't.
create or replace temp macro with_name(given, name) as case
    when given = '{}' or contains(given, '"name"') or contains(given, 'null') or has_non_finite(given)
        then json_merge_patch(json_object('name', name), without_non_finite(given))::varchar
    else '{"name":' || to_json(name)::varchar || ',' || substr(given, 2)
end;

-- The id of an event without one: a hash of its content, the objects in one form.
create or replace temp macro derived_id(customer_id, ts, type, name, value, properties, attributes) as left(sha256(concat_ws(
    '|', customer_id, epoch_us(ts), type, name, coalesce(value::varchar, ''), properties, coalesce(attributes, '')
)), 32);

-- Says that they are there, until the transaction that made them is undone.
create or replace temp view staging_macros as select true as made;
