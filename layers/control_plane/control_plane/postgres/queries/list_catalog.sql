-- Entries of the catalog, newest first, as many as fit; "found" is how many there were up to the
-- limit. An entry that is too large by itself comes as its text alone.
WITH page AS (
    SELECT catalog_id, size.bytes,
           row_number() OVER newest_first AS place,
           sum(size.bytes) OVER newest_first AS bytes_until
    FROM noetl.catalog
    CROSS JOIN LATERAL (
        SELECT 500 + coalesce(octet_length(content), 0) + coalesce(octet_length(layout::text), 0)
            + coalesce(octet_length(payload::text), 0) + coalesce(octet_length(meta::text), 0)
            AS bytes
    ) AS size
    WHERE (%(kind)s::text IS NULL OR lower(kind) = %(kind)s::text)
      AND (%(below)s::bigint IS NULL OR catalog_id < %(below)s::bigint)
    WINDOW newest_first AS (ORDER BY catalog_id DESC)
    ORDER BY catalog_id DESC
    LIMIT %(rows)s::bigint
)
SELECT catalog_id, catalog.path, catalog.version, catalog.kind, catalog.content,
       CASE WHEN page.bytes <= %(most_bytes)s::bigint THEN catalog.layout END AS layout,
       CASE WHEN page.bytes <= %(most_bytes)s::bigint THEN catalog.payload END AS payload,
       catalog.meta, catalog.created_at,
       (SELECT count(*) FROM page) AS found
FROM page
JOIN noetl.catalog USING (catalog_id)
WHERE page.place = 1 OR page.bytes_until <= %(most_bytes)s::bigint
ORDER BY catalog_id DESC
