-- Whether a value is shown among a customer's attributes: what a file said in a column of its own is shown as such only.
create or replace macro among_attributes(attribute, set_at) as
    set_at is not null or attribute not in ('email', 'timezone')
