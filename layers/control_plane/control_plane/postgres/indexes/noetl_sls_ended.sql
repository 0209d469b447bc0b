-- How an execution ended: of these events, the first one decides.
CREATE INDEX noetl_sls_ended ON ONLY noetl.event
    (execution_id, event_id) INCLUDE (event_type, created_at)
    WHERE event_type IN ('playbook_completed', 'playbook.completed',
                         'playbook_failed', 'playbook.failed',
                         'playbook_cancelled', 'playbook.cancelled', 'execution.cancelled')
