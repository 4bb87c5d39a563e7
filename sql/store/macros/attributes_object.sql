-- One customer's attributes as one JSON object, by name, without those that were removed; null without any. It is a macro
-- and no view, which would be made of all customers even when few are asked for.
create or replace macro attributes_object(attribute, value) as
    '{' || string_agg(to_json(attribute) || ':' || value, ',' order by attribute) filter (value <> 'null') || '}'
