-- One row per customer, by the place of the document, and tag: one of $tags, or any if $every is wanted.
select customer_key, tag
from everybody.tags
where $every or list_contains($tags::varchar[], tag)
