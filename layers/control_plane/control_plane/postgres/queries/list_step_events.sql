-- The newest event of one execution about each of its steps.
SELECT DISTINCT ON (node_name) event_id, event_type, node_name, status
FROM noetl.event
WHERE execution_id = %(execution_id)s::bigint
  AND event_type = ANY (%(event_types)s::text[])
  AND node_name IS NOT NULL
ORDER BY node_name, event_id DESC
