WITH own AS (
  SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), ext AS (
  SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), rel AS (
  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN own n ON n.oid = c.relnamespace
  WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
)
SELECT 'schema ' || quote_ident(nspname) FROM own
UNION ALL
SELECT 'extension ' || quote_ident(extname) || ' ' || extversion FROM pg_extension
UNION ALL
SELECT CASE relkind WHEN 'r' THEN 'table ' WHEN 'p' THEN 'partitioned table ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view '
  WHEN 'S' THEN 'sequence ' WHEN 'f' THEN 'foreign table ' ELSE 'type ' END || name
  || CASE relpersistence WHEN 'u' THEN ' unlogged' ELSE '' END
  || CASE WHEN relrowsecurity THEN ' row security' ELSE '' END || CASE WHEN relforcerowsecurity THEN ' forced' ELSE '' END
  || coalesce(' partition ' || pg_get_expr(relpartbound, oid), '')
  || CASE WHEN relkind IN ('v', 'm') THEN ' as ' || regexp_replace(pg_get_viewdef(oid), '\s+', ' ', 'g') ELSE '' END
  || coalesce(' with ' || array_to_string(reloptions, ', '), '')
FROM rel WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
UNION ALL
SELECT 'column ' || rel.name || '.' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
  || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
  || CASE a.attidentity WHEN '' THEN '' ELSE ' identity ' || a.attidentity::text END
  || CASE a.attgenerated WHEN '' THEN '' ELSE ' generated' END
  || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE rel.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
UNION ALL
SELECT 'constraint ' || coalesce(rel.name, format_type(k.contypid, NULL)) || '.' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN own n ON n.oid = k.connamespace LEFT JOIN rel ON rel.oid = k.conrelid WHERE k.conrelid = 0 OR rel.oid IS NOT NULL
UNION ALL
SELECT 'index ' || regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE ', '') || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
FROM pg_index i JOIN rel ON rel.oid = i.indrelid
UNION ALL
SELECT regexp_replace(pg_get_triggerdef(t.oid), '^CREATE ', 'trigger ') || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' (' || t.tgenabled::text || ')' END
FROM pg_trigger t JOIN rel ON rel.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'rule ' || regexp_replace(pg_get_ruledef(r.oid), '\s+', ' ', 'g') FROM pg_rewrite r JOIN rel ON rel.oid = r.ev_class WHERE r.rulename <> '_RETURN'
UNION ALL
SELECT 'policy ' || rel.name || '.' || quote_ident(p.polname) || ' ' || p.polcmd::text || ' ' || p.polpermissive::text
  || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '') || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
FROM pg_policy p JOIN rel ON rel.oid = p.polrelid
UNION ALL
SELECT 'function ' || p.oid::regprocedure::text || ' ' || md5(concat_ws('|', p.prosrc, p.probin, p.prosqlbody::text, p.prokind::text, p.provolatile::text,
  p.prosecdef::text, p.proisstrict::text, format_type(p.prorettype, NULL), p.proconfig::text, l.lanname))
FROM pg_proc p JOIN own n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE NOT EXISTS (SELECT FROM ext e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
UNION ALL
SELECT 'type ' || format('%I.%I', n.nspname, t.typname) || CASE t.typtype WHEN 'e' THEN ' enum ' || (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
  FROM pg_enum e WHERE e.enumtypid = t.oid) WHEN 'd' THEN ' domain ' || format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END
  || coalesce(' default ' || t.typdefault, '') ELSE ' ' || t.typtype::text END
FROM pg_type t JOIN own n ON n.oid = t.typnamespace
WHERE t.typtype IN ('e', 'd', 'r') AND NOT EXISTS (SELECT FROM ext e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
