//! From an address to a connection: who we are to a server, by SCRAM-SHA-256 or whatever else its administrator lets suffice, and what holds for
//! every statement.

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::address::{Address, Host};
use super::connection::{Ask, Connection, first, number, trouble_of};
use super::stream::Stream;
use super::trouble::Trouble;
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
    let mut connection = Connection::new(Stream::to(host)?)?;
    log_in(&mut connection, address)?;
    connection.command(&settings(address))?;
    let sql = "SELECT pg_is_in_recovery()::int::bigint";
    let replica = connection.ask(&[Ask::plain(sql)])?;
    if number(first(&replica))? != 0 {
        return Err(StoreError::DatabaseReadOnly.into());
    }
    Ok(connection)
}

/// What holds for every statement of a connection. A scan of a whole table would, to the server, have read what every other step writes.
fn settings(Address { store, .. }: &Address) -> String {
    format!(
        "SET search_path TO {store}; SET enable_seqscan TO off; SET enable_bitmapscan TO off; \
         SET enable_tidscan TO off; SET plan_cache_mode TO force_generic_plan; SET jit TO off; \
         SET statement_timeout TO 0; SET lock_timeout TO 0; \
         SET idle_in_transaction_session_timeout TO 0; SET client_min_messages TO error; \
         SELECT set_config('synchronous_commit', 'on', false) \
         WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )
}

/// From the first message to the server's readiness.
fn log_in(connection: &mut Connection, address: &Address) -> Result<(), Trouble> {
    let parameters = [
        ("user", address.user.as_str()),
        ("database", address.database.as_str()),
        ("client_encoding", "UTF8"),
        ("application_name", "windlass"),
    ];
    frontend::startup_message(parameters, connection.outgoing())?;
    connection.send()?;
    loop {
        match connection.receive()? {
            Message::AuthenticationOk => break,
            Message::AuthenticationSasl(offered) => {
                let mut mechanisms = offered.mechanisms();
                while mechanisms.next()?.is_some_and(|name| name != SCRAM_SHA_256) {}
                prove(connection, password(address)?)?;
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

fn password(address: &Address) -> Result<&[u8], Trouble> {
    let password = address.password.as_ref();
    let password = password.ok_or_else(|| rights("the server asks for a password"))?;
    Ok(password.as_bytes())
}

/// Both sides prove that they know the password, and neither tells it.
fn prove(connection: &mut Connection, password: &[u8]) -> Result<(), Trouble> {
    let mut scram = ScramSha256::new(password, ChannelBinding::unsupported());
    let to = connection.outgoing();
    frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), to)?;
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
