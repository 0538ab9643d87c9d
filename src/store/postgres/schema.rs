//! The tables of a store, and how they came to be as they are.

use super::connection::{Ask, Connection, Value, first, number};
use super::trouble::Trouble;
use crate::store::{Sequence, StoreError};

/// What made the tables of each version from those of the one before. None of them is ever changed.
///
/// Keys and values are as in a file (docs/store.md). The values are ciphertext, which is not to be compressed; a page keeps room, so that a
/// row that is replaced stays on its own. What each connection committed last is told by a row of its own, which is kept for a day.
const MIGRATIONS: &[&str] = &["CREATE TABLE rows (k bytea PRIMARY KEY, v bytea NOT NULL) \
    WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05); \
    ALTER TABLE rows ALTER COLUMN v SET STORAGE EXTERNAL; \
    CREATE TABLE slots (n bigint PRIMARY KEY, v bytea NOT NULL); \
    CREATE TABLE commits (id bytea PRIMARY KEY, n bigint NOT NULL, at timestamptz NOT NULL) \
    WITH (fillfactor = 50);"];

/// Whether the tables are there: 0 if not, 2 if that is not ours to know.
const THERE: &str = "SELECT (CASE WHEN to_regclass('layout') IS NOT NULL THEN 1 \
    WHEN EXISTS (SELECT FROM pg_namespace WHERE nspname = current_setting('search_path') \
        AND NOT has_schema_privilege(oid, 'USAGE')) THEN 2 ELSE 0 END)::bigint";

/// The name of a sequence in the database.
pub(super) fn sequence_name(sequence: Sequence) -> String {
    format!("s_{}", sequence.name().replace([' ', '-'], "_"))
}

/// The version that the tables have; nothing where there are none.
pub(super) fn version(connection: &mut Connection) -> Result<u64, Trouble> {
    let there = connection.ask(&[Ask::plain(THERE)])?;
    match number(first(&there))? {
        0 => return Ok(0),
        1 => {}
        _ => {
            let why = "permission denied for the store's schema".to_owned();
            return Err(Trouble::Failed(StoreError::DatabaseRights { why }));
        }
    }
    let newest = connection.ask(&[Ask::plain("SELECT max(version) FROM layout")])?;
    let newest = number(first(&newest))?;
    u64::try_from(newest).map_err(|_| Trouble::nonsense())
}

/// Makes the schema and brings its tables to the version of this library, in a transaction of their own.
pub(super) fn make(connection: &mut Connection, store: &str) -> Result<(), Trouble> {
    let name = vec![Value::Bytes(store.as_bytes())];
    let count = "SELECT count(*) FROM pg_namespace WHERE nspname = convert_from($1, 'UTF8')";
    let there = connection.ask(&[Ask::new(count, name)])?;
    if number(first(&there))? == 0 {
        connection.command(&format!("CREATE SCHEMA IF NOT EXISTS {store}"))?;
    }
    migrate(connection)
}

/// Brings the tables to the version of this library; refuses those of a later one.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Trouble> {
    let known = MIGRATIONS.len() as u64;
    let found = version(connection)?;
    if found > known {
        let shown = |version| u32::try_from(version).unwrap_or(u32::MAX);
        return Err(Trouble::Failed(StoreError::NewerVersion {
            got: shown(found),
            max: shown(known),
        }));
    }
    if found == known {
        return Ok(());
    }
    let mut sql = String::from(
        "BEGIN; CREATE TABLE IF NOT EXISTS layout (version bigint PRIMARY KEY); \
         LOCK TABLE layout IN EXCLUSIVE MODE;",
    );
    // Two who migrate at once both insert the version, and the second one fails with nothing done.
    for (version, migration) in (1u64..).zip(MIGRATIONS).filter(|(v, _)| *v > found) {
        sql += &format!("INSERT INTO layout VALUES ({version}); {migration}");
    }
    for sequence in Sequence::ALL {
        let name = sequence_name(sequence);
        sql += &format!("CREATE SEQUENCE IF NOT EXISTS {name} AS bigint;");
    }
    sql += "COMMIT";
    let made = connection.command(&sql);
    if made.is_err() {
        connection.command("ROLLBACK")?;
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_sequences_stand_in_sql_without_quotes() {
        let names = Sequence::ALL.map(sequence_name);
        let wanted = [
            "s_outbox",
            "s_unhandled",
            "s_signed_prekeys",
            "s_one_time_prekeys",
            "s_feed",
        ];
        assert_eq!(names, wanted);
    }
}
