-- The children of one execution, newest first.
CREATE INDEX noetl_sls_started_of_parent ON ONLY noetl.event
    (parent_execution_id, created_at, execution_id) INCLUDE (event_id, catalog_id)
    WHERE event_type IN ('playbook_started', 'playbook.initialized')
      AND parent_execution_id IS NOT NULL
