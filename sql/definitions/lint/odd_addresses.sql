-- One row per address of known customers that lower case doesn't bring into its one form.
select distinct email as address
from customers
where known and regexp_matches(email, $odd)
