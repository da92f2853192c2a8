//! What the user could do beside reading: its own rights, and those of every role it can become.

use super::Postgres;
use crate::action::query::catalog::Named;
use crate::execute::query::wire::Ask;
use crate::execute::query::{Failed, Posture};

/// The user, and what it or a role it can become may.
const RIGHTS: &str = "SELECT session_user, bool_or(rolsuper), bool_or(rolcreaterole), bool_or(rolcreatedb), \
    bool_or(rolreplication), bool_or(rolbypassrls) FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')";

/// Roles that every server has and that reach out of the database's tables.
const ROLES: &str = "SELECT rolname FROM pg_roles WHERE rolname IN ('pg_read_server_files', 'pg_write_server_files', \
    'pg_execute_server_program', 'pg_signal_backend', 'pg_signal_autovacuum_worker', 'pg_checkpoint', 'pg_maintain', \
    'pg_create_subscription', 'pg_use_reserved_connections', 'pg_monitor', 'pg_read_all_settings') \
    AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY rolname";

/// Relations that it, a role it can become, or everybody may write to, by rights on them, on a column, by owning them, or by
/// a role that writes everywhere. Of those the server was born with, none that it was born with rights on. Names of schemas
/// are looked up for these alone: a join of everything with everything is what an unanalysed catalog makes of it otherwise.
const WRITES: &str = "WITH own AS (SELECT oid, rolsuper OR rolname = 'pg_write_all_data' AS all FROM pg_roles \
    WHERE pg_has_role(session_user, oid, 'MEMBER')), \
    heard AS (SELECT oid FROM own UNION ALL SELECT 0::oid) \
    SELECT (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace) AS within, c.relname, count(*) OVER () \
    FROM pg_class c \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.oid >= 16384 \
    AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_t%') AND ( \
    c.relowner IN (SELECT oid FROM own) OR (SELECT bool_or(o.all) FROM own o) \
    OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee IN (SELECT oid FROM heard) \
    AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'MAINTAIN')) \
    OR EXISTS (SELECT FROM pg_attribute t CROSS JOIN aclexplode(t.attacl) a WHERE t.attrelid = c.oid \
    AND t.attacl IS NOT NULL AND a.grantee IN (SELECT oid FROM heard) AND a.privilege_type IN ('INSERT', 'UPDATE'))) \
    ORDER BY within, c.relname LIMIT 20";

/// Schemas that it, a role it can become, or everybody may create things in.
const CREATES: &str = "SELECT n.nspname FROM pg_namespace n WHERE n.nspname NOT LIKE 'pg\\_t%' AND EXISTS ( \
    SELECT FROM pg_roles r WHERE pg_has_role(session_user, r.oid, 'MEMBER') AND has_schema_privilege(r.oid, n.oid, 'CREATE')) \
    ORDER BY n.nspname LIMIT 20";

impl Postgres {
    pub(in super::super) fn posture(&mut self) -> Result<Posture, Failed> {
        let asks = [RIGHTS, ROLES, WRITES, CREATES].map(|sql| Ask { sql, given: &[] });
        let answers = self.ask(&asks)?;
        let [rights, roles, writes, creates] =
            <[Vec<Vec<Option<String>>>; 4]>::try_from(answers).map_err(|_| self.strange())?;
        let row = rights.into_iter().next().unwrap_or_default();
        let [Some(user), superuser, creates_roles, creates_databases, replication, bypasses] = row.as_slice() else {
            return Err(self.strange());
        };
        // Whatever is not told is so.
        let is = |field: &Option<String>| field.as_deref() != Some("f");
        let first = |row: Vec<Option<String>>| row.into_iter().next().flatten();
        let mut posture = Posture {
            user: user.clone(),
            superuser: is(superuser),
            creates_roles: is(creates_roles),
            creates_databases: is(creates_databases),
            replication: is(replication),
            bypasses_row_security: is(bypasses),
            reaching_roles: roles.into_iter().filter_map(first).collect(),
            creates_in: creates.into_iter().filter_map(first).collect(),
            ..Posture::default()
        };
        for row in writes {
            let [Some(schema), Some(name), Some(count)] = row.as_slice() else { return Err(self.strange()) };
            posture.writes.push(Named::within(schema, name));
            posture.writes_in_all = count.parse().map_err(|_| self.strange())?;
        }
        Ok(posture)
    }
}
