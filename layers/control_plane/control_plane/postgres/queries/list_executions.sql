-- A page of executions, newest first, with what decides their status; nothing of the log is read
-- but the page's own events, and where a status is asked for, at most the %(most)s newest starts.
--
-- "starts" are the candidates, in order, from one of two indexes: of all playbooks or of one
-- parent, or of each entry of the catalog that is meant. is_last marks where reading them ended
-- early; a page goes no further than that row, which tells where the next one begins.
WITH meant AS (
    -- The versions of the path. Where there are many and only some of their executions are
    -- wanted, all executions are gone through instead.
    SELECT catalog_id, count(*) OVER () AS versions
    FROM noetl.catalog
    WHERE (%(path)s::text IS NOT NULL OR %(catalog_id)s::bigint IS NOT NULL)
      AND (%(path)s::text IS NULL OR path = %(path)s::text)
      AND (%(catalog_id)s::bigint IS NULL OR catalog_id = %(catalog_id)s::bigint)
)
SELECT 1
