-- One row: the bytes of all column chunks of a Parquet file, decompressed, by its own metadata.
select coalesce(sum(total_uncompressed_size), 0)::bigint as size
from parquet_metadata($file)
