-- One row: how many customers are known, and how many of them have an e-mail address.
select
    count(*) as customers,
    count(nullif(trim(email), '')) as with_email
from customers
where known
