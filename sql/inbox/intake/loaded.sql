-- One row per batch: the hash of the content it was loaded from.
select content_hash from batches
