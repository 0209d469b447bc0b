-- Executions of one entry of the catalog, newest first.
CREATE INDEX noetl_sls_started_of_catalog ON ONLY noetl.event
    (catalog_id, created_at, execution_id) INCLUDE (event_id)
    WHERE event_type IN ('playbook_started', 'playbook.initialized')
