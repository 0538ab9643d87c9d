//! One request and its answer, as much of HTTP/1.1 (RFC 9112) as an API needs whose answers are small: a connection each, nothing that is
//! followed elsewhere, nothing that is kept.

use std::io::{Read, Write};

use zeroize::Zeroizing;

use super::address::VaultAddress;
use crate::store::StoreError;
use crate::store::postgres::stream::tcp;
use crate::store::postgres::tls::Channel;
use crate::store::postgres::trouble::Trouble;

/// An answer about a key with some versions has a few kilobytes.
const MAX_ANSWER_LEN: usize = 256 * 1024;

/// What a server answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Asks. `path` begins behind the version of the API.
pub(super) fn ask(
    address: &VaultAddress,
    (method, path): (&str, &str),
    token: &str,
    body: &str,
) -> Result<Answer, StoreError> {
    let VaultAddress { host, port, .. } = address;
    let mut stream = tcp(host, *port).map_err(lost)?;
    // In brackets if it is an address of IPv6.
    let name = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.clone(),
    };
    let length = body.len();
    let request = Zeroizing::new(format!(
        "{method} /v1/{path} HTTP/1.1\r\nHost: {name}:{port}\r\nX-Vault-Token: {token}\r\n\
         X-Vault-Request: true\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    ));
    let Some(tls) = address.tls() else {
        return exchange(&mut stream, &request);
    };
    let mut channel = match Channel::at_once(stream, host, &tls) {
        Ok(channel) => channel,
        Err(trouble) => return Err(untrusted(&trouble)),
    };
    exchange(&mut channel.stream, &request)
}

fn untrusted(trouble: &Trouble) -> StoreError {
    match trouble.told() {
        StoreError::DatabaseUntrusted { why } => StoreError::VaultUntrusted { why },
        StoreError::DatabaseLost { why } => StoreError::VaultLost { why },
        other => other,
    }
}

pub(super) fn lost(why: impl ToString) -> StoreError {
    let why = why.to_string();
    StoreError::VaultLost { why }
}

fn exchange(stream: &mut (impl Read + Write), request: &str) -> Result<Answer, StoreError> {
    stream.write_all(request.as_bytes()).map_err(lost)?;
    stream.flush().map_err(lost)?;
    let mut found = Vec::new();
    let mut part = [0; 4096];
    while found.len() < MAX_ANSWER_LEN {
        let len = stream.read(&mut part).map_err(lost)?;
        if len == 0 {
            return Err(lost("it ended in the middle of an answer"));
        }
        found.extend_from_slice(part.get(..len).unwrap_or_default());
        if let Some(answer) = parsed(&found)? {
            return Ok(answer);
        }
    }
    Err(nonsense())
}

/// An answer that no server of this protocol gives.
pub(super) fn nonsense() -> StoreError {
    lost("what answers there is no Vault")
}

/// The answer, once it is whole.
fn parsed(bytes: &[u8]) -> Result<Option<Answer>, StoreError> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (head, body) = bytes.split_at_checked(end).ok_or_else(nonsense)?;
    let body = body.get(4..).unwrap_or_default();
    let head = core::str::from_utf8(head).map_err(|_| nonsense())?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(status_of).ok_or_else(nonsense)?;
    let (mut length, mut chunked) = (None, false);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(nonsense)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.parse().map_err(|_| nonsense())?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = value.eq_ignore_ascii_case("chunked");
            if !chunked {
                return Err(nonsense());
            }
        }
    }
    // §6.3: no content, whatever else is said; then chunks, then a length.
    let body = match (status, chunked, length) {
        (204 | 304, ..) => Some(Vec::new()),
        (_, true, _) => joined(body)?,
        (_, false, Some(length)) => body.get(..length).map(<[u8]>::to_vec),
        // Until the end of the connection, which nobody could tell from an answer that is cut off.
        (_, false, None) => return Err(nonsense()),
    };
    Ok(body.map(|body| Answer { status, body }))
}

fn status_of(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("HTTP/1.1 ")?;
    let status = rest.get(..3)?.parse().ok()?;
    // What comes before an answer is sent to those alone who asked for it.
    (200..600).contains(&status).then_some(status)
}

/// The content of chunks (§7.1), once the last one is there.
fn joined(mut rest: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let mut content = Vec::new();
    loop {
        let Some(end) = rest.windows(2).position(|two| two == b"\r\n") else {
            return Ok(None);
        };
        let line = rest.get(..end).unwrap_or_default();
        let line = core::str::from_utf8(line).map_err(|_| nonsense())?;
        let (length, _) = line.split_once(';').unwrap_or((line, ""));
        let length = usize::from_str_radix(length.trim(), 16).map_err(|_| nonsense())?;
        if length > MAX_ANSWER_LEN {
            return Err(nonsense());
        }
        if length == 0 {
            return Ok(Some(content));
        }
        let begin = end + 2;
        let Some(chunk) = rest.get(begin..begin + length) else {
            return Ok(None);
        };
        content.extend_from_slice(chunk);
        match rest.get(begin + length..begin + length + 2) {
            None => return Ok(None),
            Some(b"\r\n") => rest = rest.get(begin + length + 2..).unwrap_or_default(),
            Some(_) => return Err(nonsense()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    const WHOLE: [(&str, u16, &str); 4] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"),
        (
            "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n",
            204,
            "",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 13\r\n\r\n{\"errors\":[]}",
            403,
            "{\"errors\":[]}",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
            200,
            "abc0123456789",
        ),
    ];

    #[test]
    fn an_answer_is_known_when_it_is_whole_and_not_before() {
        for (text, status, body) in WHOLE {
            let answer = parsed(text.as_bytes()).unwrap().unwrap();
            assert_eq!(
                (answer.status, answer.body.as_slice()),
                (status, body.as_bytes())
            );
            let last = if text.ends_with("0\r\n\r\n") { 2 } else { 0 };
            for cut in 0..text.len() - last {
                assert_eq!(parsed(&text.as_bytes()[..cut]), Ok(None), "{text:?} {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_answer_is_refused_and_panics_nowhere() {
        for text in [
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 101 Switching\r\nContent-Length: 0\r\n\r\n",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nuntil the end",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        ] {
            assert_eq!(parsed(text.as_bytes()), Err(nonsense()), "{text:?}");
        }
        for (text, ..) in WHOLE {
            for place in 0..text.len() {
                let mut bytes = text.as_bytes().to_vec();
                for byte in [0, b'\r', b'0', b'f', 0xff] {
                    bytes[place] = byte;
                    let _ = parsed(&bytes);
                }
            }
        }
    }
}
