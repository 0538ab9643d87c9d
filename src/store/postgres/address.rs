//! Where a store in a database is: `postgresql://user:password@host:port/database?store=name&slots=file:///...`, or `slots=vault://...`.

use core::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::host::{Host, decoded, host_of, port_of, refused};
use super::tls::{Tls, Trust};
use super::vault::{self, VaultAddress};
use crate::store::StoreError;

/// What addresses of databases begin with.
const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];
/// The schema of the database that a store is in, if its address names none.
const DEFAULT_STORE: &str = "windlass";
/// PostgreSQL cuts longer names off.
const MAX_NAME_LEN: usize = 63;

/// Where a store in a database is, and by which rights it is reached.
#[derive(Clone)]
pub struct Address {
    /// Tried in turn, for one that can be written to.
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) database: String,
    /// The schema that its tables are in.
    pub(super) store: String,
    /// Where the key slots are.
    pub(super) slots: SlotPlace,
    /// How what goes over a network is sealed; never on a socket.
    pub(super) tls: Option<Tls>,
}

/// What ends former key slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum SlotPlace {
    /// They are in the database, and nothing does.
    #[default]
    Database,
    /// They are overwritten in a file.
    File(PathBuf),
    /// They are in the database, sealed by a key in Vault.
    Vault(VaultAddress),
}

/// Never the password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("hosts", &self.hosts)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

impl Address {
    /// Whether a text is an address of a database, right or wrong, and no path.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        SCHEMES.iter().any(|scheme| text.starts_with(scheme))
    }

    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or_else(|| refused("it does not begin with postgresql://"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(Zeroizing::new(decoded(password)?))),
            None => (login, None),
        };
        let mut address = Self {
            hosts: Vec::new(),
            user: decoded(user)?,
            password,
            database: decoded(database)?,
            store: DEFAULT_STORE.to_owned(),
            slots: SlotPlace::Database,
            tls: None,
        };
        let (mut hosts, mut port) = (hosts.to_owned(), None);
        let (mut mode, mut tls) = (None, Tls::default());
        let (mut slots, mut of_vault) = (None, vault::Parts::default());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = decoded(value)?;
            match name {
                "host" => hosts = value,
                "port" => port = Some(port_of(&value)?),
                "user" => address.user = value,
                "password" => address.password = Some(Zeroizing::new(value)),
                "dbname" => address.database = value,
                "store" => address.store = name_of_store(value)?,
                "slots" => slots = Some(value),
                "slots_rootcert" => of_vault.authority = Some(whole(value)?),
                "slots_token" => of_vault.token = Some(whole(value)?),
                // What others can be asked for, and is always so here.
                "target_session_attrs" if ["read-write", "primary"].contains(&&*value) => {}
                "target_session_attrs" => {
                    return Err(refused("its target_session_attrs is not read-write"));
                }
                "sslmode" => mode = Some(value),
                "sslrootcert" => tls.authority = Some(whole(value)?),
                "sslcert" => tls.certificate = Some(whole(value)?),
                "sslkey" => tls.key = Some(whole(value)?),
                // What one expects to be kept is not passed over in silence.
                _ => return Err(refused("it has a parameter that is not known")),
            }
        }
        for host in hosts.split(',') {
            address.hosts.push(host_of(host, port)?);
        }
        address.tls = sealed(mode.as_deref(), tls, &address.hosts)?;
        address.slots = place_of(slots.as_deref(), of_vault)?;
        if address.user.is_empty() {
            return Err(refused("it names no user"));
        }
        if address.database.is_empty() {
            address.database.clone_from(&address.user);
        }
        Ok(address)
    }
}

fn whole(path: String) -> Result<PathBuf, StoreError> {
    if path.starts_with('/') || PathBuf::from(&path).is_absolute() {
        return Ok(path.into());
    }
    Err(refused(
        "a file that it names, of certificates or a token, is no whole path",
    ))
}

/// What is meant by `sslmode`. Nothing that a server, or somebody in its place, could talk down: libpq's `allow` and `prefer` are not there, and
/// what leaves this machine is sealed or said not to be.
fn sealed(mode: Option<&str>, tls: Tls, hosts: &[Host]) -> Result<Option<Tls>, StoreError> {
    let trust = match (mode, tls.authority.is_some()) {
        (Some("disable"), _) => None,
        (Some("require"), false) => Some(Trust::Password),
        (Some("require" | "verify-ca"), true) => Some(Trust::Authority),
        (Some("verify-full"), true) => Some(Trust::Name),
        (Some("verify-ca" | "verify-full"), false) => {
            return Err(refused("its sslmode needs an sslrootcert"));
        }
        (Some(_), _) => {
            return Err(refused(
                "its sslmode is none of disable, require, verify-ca and verify-full",
            ));
        }
        (None, _) if hosts.iter().all(Host::is_here) => None,
        (None, _) => {
            return Err(refused(
                "a host is not this machine, so say sslmode=verify-full with an sslrootcert, or sslmode=disable",
            ));
        }
    };
    let files = [&tls.authority, &tls.certificate, &tls.key];
    match trust {
        None if files.iter().any(|file| file.is_some()) => Err(refused(
            "it names certificates, and an sslmode that uses none",
        )),
        None => Ok(None),
        Some(_) if tls.certificate.is_some() != tls.key.is_some() => {
            Err(refused("sslcert and sslkey belong together"))
        }
        Some(trust) => Ok(Some(Tls { trust, ..tls })),
    }
}

/// Of characters that stand in SQL without quotes: a name is part of statements.
fn name_of_store(name: String) -> Result<String, StoreError> {
    let first = name.starts_with(|c: char| c.is_ascii_lowercase());
    let others = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let reserved = name.starts_with("pg_");
    if first && !reserved && name.len() <= MAX_NAME_LEN && name.chars().all(others) {
        return Ok(name);
    }
    Err(refused(
        "the name of the store is not made of small letters, digits and underscores",
    ))
}

fn place_of(slots: Option<&str>, of_vault: vault::Parts) -> Result<SlotPlace, StoreError> {
    let slots = match slots {
        Some(slots) if VaultAddress::is_one(slots) => {
            return VaultAddress::parse(slots, of_vault).map(SlotPlace::Vault);
        }
        slots => slots,
    };
    if of_vault.authority.is_some() || of_vault.token.is_some() {
        return Err(refused("it names files for Vault, and no slots there"));
    }
    match slots.map(|slots| slots.strip_prefix("file://")) {
        None => Ok(SlotPlace::Database),
        Some(Some(path)) if path.starts_with('/') => Ok(SlotPlace::File(path.into())),
        Some(_) => Err(refused(
            "its key slots are no file:// with a whole path, and no vault://",
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::store::postgres::host::DEFAULT_PORT;

    #[test]
    fn an_address_is_read() {
        let address = Address::parse(
            "postgresql://bot:p%40ss@db1:6000,[::1]:7000/chat?store=b2&slots=file:///mnt/k&sslmode=disable",
        )
        .unwrap();
        let hosts = [Host::Tcp("db1".into(), 6000), Host::Tcp("::1".into(), 7000)];
        assert_eq!(address.hosts, hosts);
        assert_eq!(address.password.as_ref().unwrap().as_str(), "p@ss");
        assert_eq!(
            (address.user.as_str(), address.database.as_str()),
            ("bot", "chat")
        );
        assert_eq!(address.store, "b2");
        assert_eq!(address.slots, SlotPlace::File("/mnt/k".into()));
        assert!(!format!("{address:?}").contains("p@ss"));
        let address = Address::parse(
            "postgresql://bot@a,b/chat?target_session_attrs=read-write&sslmode=disable",
        )
        .unwrap();
        let hosts = ["a", "b"].map(|host| Host::Tcp(host.into(), DEFAULT_PORT));
        assert_eq!(address.hosts, hosts);
        let vault = "postgres://bot@/?host=/run/pg&slots=vault://v:8200/transit/keys/k&slots_rootcert=/c.pem&slots_token=/t";
        let vault = Address::parse(vault).unwrap();
        assert!(matches!(vault.slots, SlotPlace::Vault(_)));
        let address = Address::parse("postgres://bot@/?host=/run/pg&port=99").unwrap();
        assert_eq!(address.hosts, [Host::Socket("/run/pg".into(), 99)]);
        assert_eq!(
            (address.database.as_str(), address.store.as_str()),
            ("bot", "windlass")
        );
    }

    #[test]
    fn what_leaves_the_machine_is_sealed_or_said_not_to_be() {
        let trust = |rest: &str| {
            let address = Address::parse(&format!("postgresql://u@{rest}")).unwrap();
            address.tls.map(|tls| tls.trust)
        };
        for here in [
            "localhost/db",
            "127.0.0.1/db",
            "[::1]/db",
            "/db?host=/run",
            "h/db?sslmode=disable",
        ] {
            assert_eq!(trust(here), None, "{here}");
        }
        assert_eq!(trust("h/db?sslmode=require"), Some(Trust::Password));
        for (mode, meant) in [
            ("require", Trust::Authority),
            ("verify-ca", Trust::Authority),
            ("verify-full", Trust::Name),
        ] {
            let rest =
                format!("localhost/db?sslmode={mode}&sslrootcert=/ca.pem&sslcert=/c&sslkey=/k");
            assert_eq!(trust(&rest), Some(meant));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_reason() {
        for text in [
            "mysql://a@b/c",
            "postgresql://host/db",
            "postgresql://u@/db",
            "postgresql://u@h:0/db",
            "postgresql://u@h:x/db",
            "postgresql://u@[::1/db",
            "postgresql://u@h/db?store=Robert%27);--",
            "postgresql://u@h/db?store=pg_own",
            "postgresql://u@h/db?store=",
            "postgresql://u@localhost/db?slots=/k",
            "postgresql://u@localhost/db?slots=vault://v/transit/keys/k",
            "postgresql://u@localhost/db?slots=vault://v/transit/keys/k&slots_rootcert=c.pem",
            "postgresql://u@localhost/db?slots_token=/t",
            "postgresql://u@localhost/db?slots=file:///k&slots_rootcert=/c.pem",
            "postgresql://u@h/db",
            "postgresql://u@localhost,10.0.0.1/db",
            "postgresql://u@h/db?sslmode=prefer",
            "postgresql://u@a,b/db?target_session_attrs=prefer-standby&sslmode=disable",
            "postgresql://u@h/db?sslmode=allow",
            "postgresql://u@h/db?sslmode=verify-full",
            "postgresql://u@h/db?sslmode=verify-ca",
            "postgresql://u@h/db?sslmode=verify-full&sslrootcert=ca.pem",
            "postgresql://u@h/db?sslmode=require&sslcert=/c.pem",
            "postgresql://u@h/db?sslmode=disable&sslrootcert=/ca.pem",
            "postgresql://u@localhost/db?sslrootcert=/ca.pem",
            "postgresql://u%4@h/db",
            "postgresql://u%ff@h/db",
        ] {
            let refused = Address::parse(text);
            assert!(
                matches!(refused, Err(StoreError::DatabaseAddress { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn a_parameter_counts_more_than_what_stands_before_it() {
        let address = Address::parse(
            "postgresql://other:o@elsewhere:1/otherdb?host=localhost&port=99&user=bot&password=p%26q&dbname=chat",
        )
        .unwrap();
        assert_eq!(address.hosts, [Host::Tcp("localhost".into(), 99)]);
        assert_eq!(
            (address.user.as_str(), address.database.as_str()),
            ("bot", "chat")
        );
        assert_eq!(address.password.as_ref().unwrap().as_str(), "p&q");
        let longest = "s".repeat(MAX_NAME_LEN);
        let named = |name: &str| Address::parse(&format!("postgresql://u@localhost/?store={name}"));
        assert_eq!(named(&longest).unwrap().store, longest);
        assert!(named(&(longest + "s")).is_err());
        for refused in ["1st", "_a", "A", "aB", "a-b", "a.b"] {
            assert!(named(refused).is_err(), "{refused}");
        }
        assert_eq!(named("a_1").unwrap().store, "a_1");
    }
}
