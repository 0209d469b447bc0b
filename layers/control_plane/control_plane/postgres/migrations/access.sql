-- Who may do what; run after the migrations, each time, since the role may be another one by now
-- and NoETL may have made a trigger since. What it needs to know comes in as settings of this
-- transaction. Roles belong to the whole cluster, so other migrations may be at them meanwhile.

DO $access$
DECLARE
    app_role constant text := current_setting('noetl_serverless.app_role');
    setting  record;
BEGIN
    FOR attempt IN 1..10 LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = app_role) THEN
                -- No password: whoever runs the database gives it one.
                EXECUTE format('CREATE ROLE %I LOGIN', app_role);
            END IF;

            -- RDS takes no password from a member of this role any more, so only where it is
            -- wanted, and where there is such a role.
            IF current_setting('noetl_serverless.uses_iam')::boolean
               AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam')
               AND NOT pg_has_role(app_role, 'rds_iam', 'MEMBER') THEN
                EXECUTE format('GRANT rds_iam TO %I', app_role);
            END IF;

            -- As defaults of the role, because a SET of each session's own would keep RDS Proxy
            -- from sharing its connections. What an operator has set stays.
            FOR setting IN
                SELECT wanted.name, wanted.value
                FROM (VALUES ('statement_timeout', '8s'),
                             ('lock_timeout', '4s'),
                             ('idle_in_transaction_session_timeout', '10s'),
                             ('default_transaction_isolation', 'read committed'),
                             ('TimeZone', 'UTC')) AS wanted (name, value)
                WHERE NOT EXISTS (
                    SELECT FROM pg_roles r, unnest(r.rolconfig) AS present
                    WHERE r.rolname = app_role AND starts_with(present, wanted.name || '=')
                )
            LOOP
                EXECUTE format('ALTER ROLE %I SET %I = %L', app_role, setting.name, setting.value);
            END LOOP;
            EXIT;
        EXCEPTION
            WHEN duplicate_object OR unique_violation OR internal_error THEN
                -- "tuple concurrently updated" is an internal error.
                IF attempt = 10 THEN
                    RAISE;
                END IF;
                PERFORM pg_sleep(0.02 * attempt);
        END;
    END LOOP;

    EXECUTE format('GRANT USAGE ON SCHEMA noetl, noetl_serverless TO %I', app_role);
    EXECUTE format('GRANT SELECT ON noetl.resource TO %I', app_role);
    EXECUTE format('GRANT SELECT, INSERT ON noetl.catalog, noetl.event, noetl.command TO %I',
                   app_role);
    EXECUTE format('GRANT USAGE ON SEQUENCE noetl.snowflake_seq TO %I', app_role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION noetl.snowflake_id() TO %I', app_role);
    EXECUTE format('GRANT SELECT ON noetl_serverless.schema_version TO %I', app_role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE'
                   ' ON noetl_serverless.start_request, noetl_serverless.outbox,'
                   ' noetl_serverless.cancellation TO %I', app_role);
    EXECUTE format('GRANT SELECT, UPDATE ON noetl_serverless.relay TO %I', app_role);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA noetl_serverless TO %I', app_role);

    -- Some NoETL servers mirror each event by a trigger, which acts with the rights of whoever
    -- inserts: into their outbox, earlier into their table of executions.
    IF EXISTS (SELECT FROM pg_trigger
               WHERE tgrelid = 'noetl.event'::regclass AND NOT tgisinternal) THEN
        IF to_regclass('noetl.outbox') IS NOT NULL THEN
            EXECUTE format('GRANT SELECT, INSERT ON noetl.outbox TO %I', app_role);
            IF to_regclass('noetl.outbox_outbox_id_seq') IS NOT NULL THEN
                EXECUTE format('GRANT USAGE ON SEQUENCE noetl.outbox_outbox_id_seq TO %I', app_role);
            END IF;
        END IF;
        IF to_regclass('noetl.execution') IS NOT NULL THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE ON noetl.execution TO %I', app_role);
        END IF;
    END IF;

    -- Granting what one does not own is no error, only a warning; here it would be noticed by the
    -- first start.
    IF NOT (has_table_privilege(app_role, 'noetl.event', 'INSERT')
            AND has_table_privilege(app_role, 'noetl.command', 'INSERT')
            AND has_table_privilege(app_role, 'noetl.catalog', 'SELECT')
            AND has_table_privilege(app_role, 'noetl.catalog', 'INSERT')
            AND has_sequence_privilege(app_role, 'noetl.snowflake_seq', 'USAGE')) THEN
        RAISE EXCEPTION 'the migrating role may not pass on its rights on the tables of schema noetl'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$access$;
