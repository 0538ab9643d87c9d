//! Servers by their names in an address, and the characters that it is written with.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::store::StoreError;

pub(super) const DEFAULT_PORT: u16 = 5432;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// The folder of its socket, and the port in the socket's name.
    Socket(PathBuf, u16),
    Tcp(String, u16),
}

impl Host {
    /// Whether what is said to it stays on this machine.
    pub(super) fn is_here(&self) -> bool {
        match self {
            Self::Socket(..) => true,
            Self::Tcp(name, _) => {
                let address: Option<IpAddr> = name.parse().ok();
                name == "localhost" || address.is_some_and(|address| address.is_loopback())
            }
        }
    }
}

pub(super) fn refused(why: &'static str) -> StoreError {
    StoreError::DatabaseAddress { why }
}

pub(super) fn port_of(text: &str) -> Result<u16, StoreError> {
    let port = text.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| refused("its port is no number of a port"))
}

pub(super) fn host_of(text: &str, port: Option<u16>) -> Result<Host, StoreError> {
    let decoded = decoded(text)?;
    if decoded.starts_with('/') {
        return Ok(Host::Socket(decoded.into(), port.unwrap_or(DEFAULT_PORT)));
    }
    // An address of IPv6 is in brackets.
    let (name, own) = match decoded.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .ok_or_else(|| refused("a bracket is not closed"))?,
        None => match decoded.rsplit_once(':') {
            Some((name, _)) => (name, decoded.get(name.len()..).unwrap_or_default()),
            None => (decoded.as_str(), ""),
        },
    };
    let own = match own.strip_prefix(':') {
        Some(own) => Some(port_of(own)?),
        None => None,
    };
    if name.is_empty() {
        return Err(refused("it names no host"));
    }
    let port = own.or(port).unwrap_or(DEFAULT_PORT);
    Ok(Host::Tcp(name.to_owned(), port))
}

pub(super) fn decoded(text: &str) -> Result<String, StoreError> {
    let wrong = || refused("it has a % that begins no byte");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (digits, behind) = rest.split_first_chunk::<2>().ok_or_else(wrong)?;
        let digits = core::str::from_utf8(digits).map_err(|_| wrong())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = behind;
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_with_its_port() {
        let tcp = |name: &str, port| Ok::<_, StoreError>(Host::Tcp(name.into(), port));
        assert_eq!(host_of("db", None), tcp("db", 5432));
        assert_eq!(host_of("db", Some(7)), tcp("db", 7));
        assert_eq!(host_of("db:9", Some(7)), tcp("db", 9));
        assert_eq!(host_of("[::1]:9", None), tcp("::1", 9));
        assert_eq!(host_of("[::1]", Some(7)), tcp("::1", 7));
        assert_eq!(host_of("%64b", None), tcp("db", 5432));
        let socket = |port| Ok::<_, StoreError>(Host::Socket("/run/pg".into(), port));
        assert_eq!(host_of("%2Frun%2Fpg", Some(7)), socket(7));
        assert_eq!(host_of("/run/pg", None), socket(5432));
        for wrong in [
            "", ":9", "[]:9", "[::1", "db:", "db:0", "db:65536", "db:x", "%", "%f", "%zz",
        ] {
            assert!(host_of(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_stays_on_this_machine_is_here() {
        for here in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "/run"] {
            assert!(host_of(here, None).unwrap().is_here(), "{here}");
        }
        for far in ["localhost.example", "10.0.0.1", "0.0.0.0", "[::]", "db"] {
            assert!(!host_of(far, None).unwrap().is_here(), "{far}");
        }
    }
}
