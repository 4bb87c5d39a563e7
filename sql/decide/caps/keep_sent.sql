-- Keeps `sent_before` instead of what customers' documents held of the time until $until.
delete from sends where "at" <= $until;

insert into sends from sent_before
