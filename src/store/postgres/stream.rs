//! Bytes to and from a server.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::address::Address;
use super::host::Host;
use super::tls;
use super::trouble::Trouble;

/// A server that does not take a connection for so long is not there.
const CONNECTING: Duration = Duration::from_secs(10);
/// A server that answers nothing for so long is gone, as after a cable was pulled.
const ANSWERING: Duration = Duration::from_secs(60);

/// A way to a server.
#[derive(Debug)]
pub(super) enum Stream {
    #[cfg(unix)]
    Socket(UnixStream),
    Tcp(TcpStream),
    Tls(Box<tls::Channel>),
}

impl Stream {
    pub(super) fn to(host: &Host, address: &Address) -> Result<Self, Trouble> {
        match (host, &address.tls) {
            (Host::Tcp(name, port), Some(tls)) => {
                let channel = tls::Channel::begin(tcp(name, *port)?, name, tls)?;
                Ok(Self::Tls(Box::new(channel)))
            }
            _ => Ok(Self::plain(host)?),
        }
    }

    /// What a password is bound to, so that nobody in between can use its proof.
    pub(super) fn binding(&self) -> Option<Vec<u8>> {
        match self {
            Self::Tls(channel) => channel.binding(),
            _ => None,
        }
    }

    fn plain(host: &Host) -> io::Result<Self> {
        match host {
            #[cfg(unix)]
            Host::Socket(folder, port) => {
                let stream = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}")))?;
                stream.set_read_timeout(Some(ANSWERING))?;
                stream.set_write_timeout(Some(ANSWERING))?;
                Ok(Self::Socket(stream))
            }
            #[cfg(not(unix))]
            Host::Socket(..) => Err(io::ErrorKind::Unsupported.into()),
            Host::Tcp(name, port) => tcp(name, *port).map(Self::Tcp),
        }
    }
}

pub(super) fn tcp(name: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in (name, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECTING) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWERING))?;
                stream.set_write_timeout(Some(ANSWERING))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Socket(stream) => stream.read(to),
            Self::Tcp(stream) => stream.read(to),
            Self::Tls(channel) => channel.stream.read(to),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            #[cfg(unix)]
            Self::Socket(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
            Self::Tls(channel) => channel.stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            #[cfg(unix)]
            Self::Socket(stream) => stream.flush(),
            Self::Tcp(stream) => stream.flush(),
            Self::Tls(channel) => channel.stream.flush(),
        }
    }
}
