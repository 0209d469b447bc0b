-- One entry of the catalog: exactly this one, else the version of the path, else its highest one.
SELECT catalog_id, path, version, kind, content, layout, payload, meta, created_at
FROM noetl.catalog
WHERE (%(catalog_id)s::bigint IS NULL OR catalog_id = %(catalog_id)s::bigint)
  AND (%(catalog_id)s::bigint IS NOT NULL OR path = %(path)s::text)
  AND (%(catalog_id)s::bigint IS NOT NULL OR %(version)s::integer IS NULL
       OR version = %(version)s::integer)
ORDER BY version DESC
LIMIT 1
