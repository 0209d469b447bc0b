-- Executions, newest first. An execution begins with one of two events.
CREATE INDEX noetl_sls_started ON ONLY noetl.event
    (created_at, execution_id) INCLUDE (event_id, catalog_id)
    WHERE event_type IN ('playbook_started', 'playbook.initialized')
