-- What resolve_start tells, for many starts at once and in their order. Each document is sent once,
-- with the first start that needs it, and the answer ends before the documents become too large.
WITH asked AS (
    SELECT place, key, coalesce(catalog_id, newest.id) AS catalog_id, held
    FROM unnest(
        %(keys)s::text[], %(catalog_ids)s::bigint[], %(paths)s::text[], %(held)s::bigint[]
    ) WITH ORDINALITY AS given (key, catalog_id, path, held, place)
    LEFT JOIN LATERAL (
        SELECT entry.catalog_id AS id
        FROM noetl.catalog AS entry
        WHERE given.catalog_id IS NULL AND entry.path = given.path
        ORDER BY entry.version DESC
        LIMIT 1
    ) AS newest ON true
),
found AS MATERIALIZED (
    SELECT asked.place, asked.held, start.fingerprint, start.answer, start.ids, start.catalog_id,
           start.path, start.version,
           row_number() OVER (
               PARTITION BY start.catalog_id, start.catalog_id IS NOT DISTINCT FROM asked.held
               ORDER BY asked.place
           ) = 1 AS is_first
    FROM asked
    CROSS JOIN LATERAL noetl_serverless.resolve_start(
        p_key => asked.key,
        p_catalog_id => asked.catalog_id,
        p_path => NULL,
        p_held => asked.catalog_id
    ) AS start
),
sized AS (
    SELECT found.*, needs.document,
           count(*) FILTER (WHERE needs.document) OVER by_place AS documents_until,
           sum(size.bytes) OVER by_place AS bytes_until
    FROM found
    CROSS JOIN LATERAL (
        SELECT found.is_first AND found.catalog_id IS DISTINCT FROM found.held AS document
    ) AS needs
    LEFT JOIN LATERAL (
        SELECT coalesce(octet_length(nullif(content, '')), octet_length(payload::text)) AS bytes
        FROM noetl.catalog
        WHERE needs.document AND catalog.catalog_id = found.catalog_id
    ) AS size ON true
    WINDOW by_place AS (ORDER BY found.place)
)
SELECT sized.fingerprint, sized.answer, sized.ids, sized.catalog_id, sized.path, sized.version,
       nullif(catalog.content, '') AS content,
       CASE WHEN nullif(catalog.content, '') IS NULL THEN catalog.payload END AS payload
FROM sized
LEFT JOIN noetl.catalog ON sized.document AND catalog.catalog_id = sized.catalog_id
WHERE sized.documents_until <= 1 OR sized.bytes_until <= %(most_bytes)s::bigint
ORDER BY sized.place
