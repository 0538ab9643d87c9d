//! From an address to a connection: who we are to a server, by SCRAM-SHA-256 or whatever else its administrator lets suffice, and what holds for
//! every statement.

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::address::Address;
use super::connection::{Ask, Connection, first, number, trouble_of};
use super::host::Host;
use super::stream::Stream;
use super::tls::{Tls, Trust};
use super::trouble::{Trouble, untrusted};
use crate::store::StoreError;
use crate::store::guard::guarded;

/// The first of an address's servers that can be written to.
pub(super) fn open(address: &Address) -> Result<Connection, Trouble> {
    let mut refused = Trouble::Lost("no server is named".to_owned());
    for host in &address.hosts {
        // What a server says is read by somebody else's code.
        let opened = guarded(|| Ok::<_, StoreError>(open_one(host, address)));
        match opened.map_err(Trouble::Failed).flatten() {
            Ok(connection) => return Ok(connection),
            // Of several the one that is no replica counts.
            Err(trouble) => {
                let wrong = matches!(refused, Trouble::Failed(_));
                if !wrong || !matches!(trouble, Trouble::Lost(_)) {
                    refused = trouble;
                }
            }
        }
    }
    Err(refused)
}

fn open_one(host: &Host, address: &Address) -> Result<Connection, Trouble> {
    let mut connection = Connection::new(Stream::to(host, address)?)?;
    log_in(
        &mut connection,
        address,
        must_bind(host, address.tls.as_ref()),
    )?;
    connection.command(&settings(address))?;
    let sql = "SELECT pg_is_in_recovery()::int::bigint";
    let replica = connection.ask(&[Ask::plain(sql)])?;
    if number(first(&replica))? != 0 {
        return Err(StoreError::DatabaseReadOnly.into());
    }
    Ok(connection)
}

/// Whether the password has to be bound to the channel: whoever is at the other end has shown a certificate that nobody looked at.
fn must_bind(host: &Host, tls: Option<&Tls>) -> bool {
    let by_password = |tls: &Tls| tls.trust == Trust::Password;
    matches!(host, Host::Tcp(..)) && tls.is_some_and(by_password)
}

/// What holds for every statement of a connection. A scan of a whole table would, to the server, have read what every other step writes.
fn settings(Address { store, .. }: &Address) -> String {
    format!(
        "SET search_path TO {store}; SET enable_seqscan TO off; SET enable_bitmapscan TO off; \
         SET plan_cache_mode TO force_generic_plan; SET jit TO off; \
         SET statement_timeout TO 0; SET lock_timeout TO 0; \
         SET idle_in_transaction_session_timeout TO 0; SET client_min_messages TO error; \
         SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )
}

/// From the first message to the server's readiness; only with a password that is bound to the channel if it must be.
fn log_in(connection: &mut Connection, address: &Address, must_bind: bool) -> Result<(), Trouble> {
    let parameters = [
        ("user", address.user.as_str()),
        ("database", address.database.as_str()),
        ("client_encoding", "UTF8"),
        ("application_name", "windlass"),
    ];
    frontend::startup_message(parameters, connection.outgoing())?;
    connection.send()?;
    let mut bound = false;
    loop {
        match connection.receive()? {
            Message::AuthenticationOk if must_bind && !bound => return Err(unbound()),
            Message::AuthenticationOk => break,
            Message::AuthenticationSasl(offered) => {
                let offered = offered
                    .mechanisms()
                    .any(|name| Ok(name == SCRAM_SHA_256_PLUS))?;
                let binding = connection.binding();
                bound = offered && binding.is_some();
                // Before anything of the password is said to somebody who may be anybody.
                if must_bind && !bound {
                    return Err(unbound());
                }
                prove(connection, password(address)?, mechanism(offered, binding))?;
            }
            Message::ErrorResponse(error) => return Err(trouble_of(&error)),
            Message::NoticeResponse(_) | Message::ParameterStatus(_) => {}
            // A password in clear, or an MD5 that is as good as one, is for whoever listens.
            _ => {
                return Err(rights(
                    "the server asks for a password in another way than SCRAM-SHA-256",
                ));
            }
        }
    }
    loop {
        match connection.receive()? {
            Message::ReadyForQuery(_) => return Ok(()),
            Message::ErrorResponse(error) => return Err(trouble_of(&error)),
            _ => {}
        }
    }
}

/// How the password is proved, where a server offers to bind it to the channel or does not.
fn mechanism(offered: bool, binding: Option<Vec<u8>>) -> (&'static str, ChannelBinding) {
    match binding {
        Some(binding) if offered => {
            let channel = ChannelBinding::tls_server_end_point(binding);
            (SCRAM_SHA_256_PLUS, channel)
        }
        // A server that did offer it notices that somebody in between took the offer away.
        Some(_) => (SCRAM_SHA_256, ChannelBinding::unrequested()),
        None => (SCRAM_SHA_256, ChannelBinding::unsupported()),
    }
}

fn unbound() -> Trouble {
    untrusted(
        "sslmode=require without sslrootcert trusts a password alone that is bound to the channel (SCRAM-SHA-256-PLUS), and the server asks for none",
    )
}

fn password(address: &Address) -> Result<&[u8], Trouble> {
    let password = address.password.as_ref();
    let password = password.ok_or_else(|| rights("the server asks for a password"))?;
    Ok(password.as_bytes())
}

/// Both sides prove that they know the password, and neither tells it.
fn prove(
    connection: &mut Connection,
    password: &[u8],
    (mechanism, channel): (&str, ChannelBinding),
) -> Result<(), Trouble> {
    let mut scram = ScramSha256::new(password, channel);
    let to = connection.outgoing();
    frontend::sasl_initial_response(mechanism, scram.message(), to)?;
    connection.send()?;
    loop {
        match connection.receive()? {
            Message::AuthenticationSaslContinue(body) => {
                scram.update(body.data()).map_err(|_| impostor())?;
                frontend::sasl_response(scram.message(), connection.outgoing())?;
                connection.send()?;
            }
            Message::AuthenticationSaslFinal(body) => {
                return scram.finish(body.data()).map_err(|_| impostor());
            }
            Message::ErrorResponse(error) => return Err(trouble_of(&error)),
            _ => return Err(Trouble::nonsense()),
        }
    }
}

fn impostor() -> Trouble {
    rights("the server does not know the password itself")
}

fn rights(why: &str) -> Trouble {
    let why = why.to_owned();
    Trouble::Failed(StoreError::DatabaseRights { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_bound_where_nothing_else_says_who_the_server_is() {
        let of = |trust| Tls {
            trust,
            ..Tls::default()
        };
        let network = Host::Tcp("db".into(), 1);
        assert!(must_bind(&network, Some(&of(Trust::Password))));
        for known in [Trust::Authority, Trust::Name] {
            assert!(!must_bind(&network, Some(&of(known))));
        }
        // In clear, as the address says; and on a socket there is nobody in between.
        assert!(!must_bind(&network, None));
        let socket = Host::Socket("/run".into(), 1);
        assert!(!must_bind(&socket, Some(&of(Trust::Password))));
    }

    #[test]
    fn a_password_is_bound_to_a_channel_wherever_a_server_offers_it() {
        let name = |offered, binding: Option<Vec<u8>>| mechanism(offered, binding).0;
        assert_eq!(name(true, Some(vec![1])), SCRAM_SHA_256_PLUS);
        assert_eq!(name(false, Some(vec![1])), SCRAM_SHA_256);
        assert_eq!(name(true, None), SCRAM_SHA_256);
        // What was taken away in between is noticed by what the first message says of it.
        let first = |offered, binding| {
            let (_, channel) = mechanism(offered, binding);
            let scram = ScramSha256::new(b"password", channel);
            scram.message().first().copied()
        };
        assert_eq!(first(true, Some(vec![1])), Some(b'p'));
        assert_eq!(first(false, Some(vec![1])), Some(b'y'));
        assert_eq!(first(true, None), Some(b'n'));
    }
}
