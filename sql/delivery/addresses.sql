-- One row per known customer, with the e-mail address that the profile has, or null.
select
    profiles.customer_id,
    emails.value ->> '$' as email
from profiles
left join (select customer_id, value from attributes where attribute = 'email') as emails using (customer_id)
where profiles.known
order by profiles.customer_id
