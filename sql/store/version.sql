-- One row: the version of the tables, and the fingerprint of what they and the views were made from.
select version, fingerprint from schema_version
