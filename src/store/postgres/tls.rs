//! The way to a server over a network, sealed by TLS, and how far it is known who is at its other end.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};

use super::trouble::{Trouble, untrusted};
use crate::crypto::{sha256, sha384, sha512};

/// What an address says of the way to its servers.
#[derive(Debug, Clone, Default)]
pub(super) struct Tls {
    pub(super) trust: Trust,
    /// Certificates of those who vouch for servers.
    pub(super) authority: Option<PathBuf>,
    /// Who we are to the server, and the key of it.
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// By what a server is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Trust {
    /// By a password that both know, bound to the channel.
    Password,
    /// By an authority, which vouches for this server alone.
    Authority,
    /// By an authority, and the host's name.
    #[default]
    Name,
}

/// A sealed way to a server.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) stream: StreamOwned<ClientConnection, TcpStream>,
}

impl Channel {
    /// Asks a server for TLS, and refuses one that has none.
    pub(super) fn begin(mut to: TcpStream, host: &str, tls: &Tls) -> Result<Self, Trouble> {
        let client = client(host, tls)?;
        let mut asked = BytesMut::new();
        frontend::ssl_request(&mut asked);
        to.write_all(&asked)?;
        // One byte and no more: what somebody in between sends behind it in clear is not taken for the server's.
        let mut answer = [0];
        to.read_exact(&mut answer)?;
        if answer != *b"S" {
            return Err(untrusted("it has no TLS"));
        }
        Self::of(client, to)
    }

    /// With a server that speaks nothing but TLS.
    pub(super) fn at_once(to: TcpStream, host: &str, tls: &Tls) -> Result<Self, Trouble> {
        Self::of(client(host, tls)?, to)
    }

    fn of(mut client: ClientConnection, mut to: TcpStream) -> Result<Self, Trouble> {
        while client.is_handshaking() {
            client.complete_io(&mut to).map_err(handshake)?;
        }
        let stream = StreamOwned::new(client, to);
        Ok(Self { stream })
    }

    /// What names the server's certificate: its hash, by the hash of its own signature (RFC 5929 §4.1).
    pub(super) fn binding(&self) -> Option<Vec<u8>> {
        let certificate = self.stream.conn.peer_certificates()?.first()?;
        Some(match signature_hash(certificate)? {
            Hash::Sha256 => sha256(&[certificate]).to_vec(),
            Hash::Sha384 => sha384(&[certificate]).to_vec(),
            Hash::Sha512 => sha512(&[certificate]).to_vec(),
        })
    }
}

fn client(host: &str, tls: &Tls) -> Result<ClientConnection, Trouble> {
    let config = Arc::new(config(tls)?);
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| untrusted("its name is none that a certificate could have"))?;
    ClientConnection::new(config, name).map_err(refused)
}

fn config(tls: &Tls) -> Result<ClientConfig, Trouble> {
    let provider = Arc::new(ring::default_provider());
    let roots = match &tls.authority {
        Some(file) => Some(authorities(file)?),
        None => None,
    };
    let verifier = Verifier {
        roots,
        trust: tls.trust,
        provider: Arc::clone(&provider),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) else {
        return Ok(config.with_no_client_auth());
    };
    let chain = certificates(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| unreadable("sslkey"))?;
    config.with_client_auth_cert(chain, key).map_err(refused)
}

fn authorities(file: &Path) -> Result<RootCertStore, Trouble> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        let added = roots.add(certificate);
        added.map_err(|_| unreadable("sslrootcert"))?;
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let unreadable = || unreadable("sslrootcert or sslcert");
    let all = CertificateDer::pem_file_iter(file).map_err(|_| unreadable())?;
    let all: Result<Vec<_>, _> = all.collect();
    let all = all.map_err(|_| unreadable())?;
    if all.is_empty() {
        return Err(unreadable());
    }
    Ok(all)
}

fn unreadable(what: &str) -> Trouble {
    untrusted(format!("the file of {what} cannot be read"))
}

fn refused(error: rustls::Error) -> Trouble {
    untrusted(error.to_string())
}

/// What TLS itself says of the other end is for people to put right; a connection that ends is not.
fn handshake(error: io::Error) -> Trouble {
    let told = error.get_ref().and_then(|inner| inner.downcast_ref());
    match told {
        Some(error) => refused(rustls::Error::clone(error)),
        None => error.into(),
    }
}

/// What the certificate of a server has to be.
#[derive(Debug)]
struct Verifier {
    roots: Option<RootCertStore>,
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
            if self.trust == Trust::Name {
                verify_server_name(&certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// The hash of the signature of a certificate, by the identifiers of RFC 4055 §5 and RFC 5758 §3.2. Older ones count as SHA-256; a
/// signature that has no hash of its own, as those of Ed25519, binds nothing.
fn signature_hash(certificate: &[u8]) -> Option<Hash> {
    let (fields, _) = element(certificate, 0x30)?;
    let (_, behind) = element(fields, 0x30)?;
    let (algorithm, _) = element(behind, 0x30)?;
    let (identifier, _) = element(algorithm, 0x06)?;
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let last = identifier.strip_prefix(RSA);
    match last {
        Some([4 | 5 | 11]) => return Some(Hash::Sha256),
        Some([12]) => return Some(Hash::Sha384),
        Some([13]) => return Some(Hash::Sha512),
        _ => {}
    }
    match identifier.strip_prefix(ECDSA) {
        Some([2]) => Some(Hash::Sha256),
        Some([3]) => Some(Hash::Sha384),
        Some([4]) => Some(Hash::Sha512),
        _ => None,
    }
}

/// What an element of DER of this tag holds, and what is behind it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut len = usize::from(*first);
    if *first > 0x80 {
        let (digits, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        len = digits
            .iter()
            .fold(0, |len, digit| len << 8 | usize::from(*digit));
        rest = behind;
    }
    (*found == tag)
        .then(|| rest.split_at_checked(len))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element of DER, with as many digits of its length as are asked for.
    fn der(tag: u8, content: &[u8], digits: usize) -> Vec<u8> {
        let len = (content.len() as u64).to_be_bytes();
        let len = match digits {
            0 => vec![content.len() as u8],
            digits => [[0x80 | digits as u8].as_slice(), len.split_at(8 - digits).1].concat(),
        };
        [[tag].as_slice(), &len, content].concat()
    }

    fn certificate(identifier: &[u8], digits: usize) -> Vec<u8> {
        let algorithm = der(0x30, &der(0x06, identifier, 0), 0);
        let fields = [der(0x30, &[7; 200], digits.max(1)), algorithm, vec![3, 0]].concat();
        der(0x30, &fields, digits.max(1))
    }

    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];

    #[test]
    fn a_certificate_is_named_by_the_hash_of_its_signature() {
        let rsa = |last: u8| [RSA.as_slice(), &[last]].concat();
        let ecdsa = |last: u8| [ECDSA.as_slice(), &[last]].concat();
        for digits in [2, 3, 4] {
            for (identifier, hash) in [
                // MD5 and SHA-1 count as SHA-256.
                (rsa(4), Some(Hash::Sha256)),
                (rsa(5), Some(Hash::Sha256)),
                (rsa(11), Some(Hash::Sha256)),
                (rsa(12), Some(Hash::Sha384)),
                (rsa(13), Some(Hash::Sha512)),
                (rsa(10), None),
                (ecdsa(2), Some(Hash::Sha256)),
                (ecdsa(3), Some(Hash::Sha384)),
                (ecdsa(4), Some(Hash::Sha512)),
                (ecdsa(1), None),
                // Ed25519 has none of its own.
                (vec![0x2b, 0x65, 0x70], None),
            ] {
                let certificate = certificate(&identifier, digits);
                assert_eq!(signature_hash(&certificate), hash, "{identifier:?}");
            }
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_hash_and_panics_nowhere() {
        let whole = certificate(&[RSA.as_slice(), &[11]].concat(), 2);
        for cut in 0..whole.len() {
            let (part, _) = whole.split_at(cut);
            assert_eq!(signature_hash(part), None);
        }
        // A length of five digits is that of nothing that fits into a certificate.
        let short = der(0x04, &[1; 0x7f], 0);
        assert_eq!(
            element(&short, 0x04),
            Some(([1; 0x7f].as_slice(), [].as_slice()))
        );
        assert_eq!(element(&der(0x04, &[1; 3], 5), 0x04), None);
        assert_eq!(
            element(&der(0x04, &[1; 3], 4), 0x04).map(|(found, _)| found),
            Some([1; 3].as_slice())
        );
        assert_eq!(element(&short, 0x30), None);
    }
}
