//! Which key in which Vault: `slots=vault://host:port/transit/keys/name`, with `slots_rootcert` and `slots_token` beside it.

use std::fs;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::super::host::{Host, host_of, refused};
use super::super::tls::{Tls, Trust};
use crate::store::StoreError;

const SCHEME: &str = "vault://";
const DEFAULT_PORT: u16 = 8200;
/// Where the token is, if the address names no file.
const TOKEN: &str = "VAULT_TOKEN";

/// A key in Vault, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store::postgres) struct VaultAddress {
    pub(super) host: String,
    pub(super) port: u16,
    /// Where the Transit engine is mounted, behind its namespace if it has one.
    pub(super) mount: String,
    pub(super) key: String,
    /// The authority that vouches for the server. Without one nothing is sealed, on this machine alone.
    authority: Option<PathBuf>,
    token: Option<PathBuf>,
}

/// What an address says of Vault, before it is put together.
#[derive(Debug, Default)]
pub(in crate::store::postgres) struct Parts {
    pub(in crate::store::postgres) authority: Option<PathBuf>,
    pub(in crate::store::postgres) token: Option<PathBuf>,
}

impl VaultAddress {
    /// Whether `slots` is meant for Vault.
    pub(in crate::store::postgres) fn is_one(slots: &str) -> bool {
        slots.starts_with(SCHEME)
    }

    pub(in crate::store::postgres) fn parse(slots: &str, parts: Parts) -> Result<Self, StoreError> {
        let no_key = || refused("its key slots are no vault://host:port/transit/keys/name");
        let rest = slots.strip_prefix(SCHEME).ok_or_else(no_key)?;
        let (host, path) = rest.split_once('/').ok_or_else(no_key)?;
        let (engine, key) = path.rsplit_once('/').ok_or_else(no_key)?;
        let mount = engine.strip_suffix("/keys").ok_or_else(no_key)?;
        if !mount.split('/').chain([key]).all(is_plain) {
            return Err(no_key());
        }
        // A login would be a secret that stands in the address.
        if host.contains('@') {
            return Err(refused(
                "its Vault has a login; the token is in a file of slots_token",
            ));
        }
        let server = host_of(host, Some(DEFAULT_PORT))?;
        let here = server.is_here();
        let Host::Tcp(host, port) = server else {
            return Err(no_key());
        };
        if !here && parts.authority.is_none() {
            return Err(refused(
                "its Vault is not this machine, so say slots_rootcert, the authority that vouches for it",
            ));
        }
        Ok(Self {
            host,
            port,
            mount: mount.to_owned(),
            key: key.to_owned(),
            authority: parts.authority,
            token: parts.token,
        })
    }

    /// How what is said to it is sealed.
    pub(super) fn tls(&self) -> Option<Tls> {
        let authority = self.authority.clone()?;
        Some(Tls {
            trust: Trust::Name,
            authority: Some(authority),
            ..Tls::default()
        })
    }

    /// The token as it is now: whoever renews it writes the file anew.
    pub(super) fn token(&self) -> Result<Zeroizing<String>, StoreError> {
        let (found, missing) = match &self.token {
            Some(file) => (read(file), "the file of slots_token cannot be read"),
            None => (
                std::env::var(TOKEN).ok().map(Zeroizing::new),
                "there is no token: name its file by slots_token, or set VAULT_TOKEN",
            ),
        };
        let rights = |why: &str| StoreError::VaultRights { why: why.into() };
        let found = found.ok_or_else(|| rights(missing))?;
        let token = found.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(rights("the token is none"));
        }
        Ok(Zeroizing::new(token.to_owned()))
    }
}

fn read(file: &Path) -> Option<Zeroizing<String>> {
    fs::read_to_string(file).ok().map(Zeroizing::new)
}

/// A part of a path that is the same however it is written.
fn is_plain(part: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let dots = part.chars().all(|c| c == '.');
    !dots && part.chars().all(known)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn parse(slots: &str) -> Result<VaultAddress, StoreError> {
        VaultAddress::parse(slots, Parts::default())
    }

    #[test]
    fn a_key_in_vault_is_named() {
        let found = parse("vault://localhost/a/transit/keys/bot-1").unwrap();
        assert_eq!((found.host.as_str(), found.port), ("localhost", 8200));
        assert_eq!(
            (found.mount.as_str(), found.key.as_str()),
            ("a/transit", "bot-1")
        );
        assert!(found.tls().is_none());
        let authority = Some("/ca.pem".into());
        let parts = || Parts {
            authority: authority.clone(),
            token: None,
        };
        let far = VaultAddress::parse("vault://vault.example:443/transit/keys/bot", parts());
        assert!(far.unwrap().tls().is_some());
    }

    #[test]
    fn what_names_no_key_or_goes_out_in_clear_is_refused() {
        for slots in [
            "vault://localhost",
            "vault://localhost/bot",
            "vault://localhost/keys/bot",
            "vault://localhost/transit/bot",
            "vault://localhost/transit/keys/",
            "vault://localhost/transit/keys/..",
            "vault://localhost/tran sit/keys/bot",
            "vault://localhost/transit//keys/bot",
            "vault://localhost/transit/keys/bot?a",
            "vault://s.token@localhost/transit/keys/bot",
            "vault:///transit/keys/bot",
            "vault://vault.example/transit/keys/bot",
        ] {
            let refused = parse(slots);
            let address = matches!(refused, Err(StoreError::DatabaseAddress { .. }));
            assert!(address, "{slots}");
        }
    }

    #[test]
    fn a_token_is_read_again_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let parts = Parts {
            authority: None,
            token: Some(file.clone()),
        };
        let address = VaultAddress::parse("vault://localhost/transit/keys/bot", parts).unwrap();
        assert!(matches!(
            address.token(),
            Err(StoreError::VaultRights { .. })
        ));
        for token in ["s.first", "s.second"] {
            fs::write(&file, format!("{token}\n")).unwrap();
            assert_eq!(address.token().unwrap().as_str(), token);
            assert!(!format!("{address:?}").contains(token));
        }
        // It would end the line that it is sent in.
        for wrong in ["", "s.a\r\nX-Other: b", "s.ä"] {
            fs::write(&file, wrong).unwrap();
            let Err(refused) = address.token() else {
                panic!("{wrong}");
            };
            assert!(!refused.to_string().contains("s."));
        }
    }
}
