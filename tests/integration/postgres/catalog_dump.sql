-- Everything that makes up schema noetl but its privileges: one line each.
SELECT format('relation %s kind %s owner %s of %s', c.relname, c.relkind, c.relowner,
              pg_get_expr(c.relpartbound, c.oid)) AS line
FROM pg_class c WHERE c.relnamespace = 'noetl'::regnamespace
UNION ALL
SELECT format('column %s.%s %s %s %s null %s default %s', c.relname, a.attnum, a.attname,
              format_type(a.atttypid, a.atttypmod), a.attidentity, NOT a.attnotnull,
              pg_get_expr(d.adbin, d.adrelid))
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'noetl'::regnamespace AND a.attnum > 0
UNION ALL
SELECT format('constraint %s on %s %s', o.conname, o.conrelid::regclass, pg_get_constraintdef(o.oid))
FROM pg_constraint o WHERE o.connamespace = 'noetl'::regnamespace
UNION ALL
SELECT 'index ' || i.indexdef FROM pg_indexes i WHERE i.schemaname = 'noetl'
UNION ALL
SELECT 'function ' || pg_get_functiondef(p.oid)
FROM pg_proc p WHERE p.pronamespace = 'noetl'::regnamespace
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'noetl'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT format('sequence %s %s %s', s.sequencename, s.start_value, s.last_value)
FROM pg_sequences s WHERE s.schemaname = 'noetl'
UNION ALL SELECT 'row of resource ' || r::text FROM noetl.resource r
UNION ALL SELECT 'row of catalog ' || r::text FROM noetl.catalog r
UNION ALL SELECT 'row of event ' || r::text FROM noetl.event r
UNION ALL SELECT 'row of command ' || r::text FROM noetl.command r
UNION ALL SELECT 'row of outbox ' || r::text FROM noetl.outbox r
ORDER BY line
