-- No rows: how the files of this folder, and a tick's counts, tell that an event makes an unknown customer known
-- (semantics.md §4): Segment's identify, or attributes with an e-mail address that isn't blank.
create or replace temp macro introduces(type, name, attributes) as
    (type = 'behavioral' and name = 'identify')
    or case
        when contains(attributes, '"email"') then coalesce(
            json_type(attributes, '$.email') = 'VARCHAR'
            and regexp_matches(json_extract_string(attributes, '$.email'), '[^\s\x0b\x{a0}\x{feff}]'),
            false
        )
        else false
    end;
