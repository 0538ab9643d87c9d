//! A connection: statements that go to the server together, and the rows that come back.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use bytes::{BufMut, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, ErrorResponseBody, Message};
use postgres_protocol::message::frontend::{self, BindError};

use super::stream::Stream;
use super::trouble::{Trouble, of_server, shown};
use crate::crypto::{Secret, system_random};
use crate::store::StoreError;

/// How much is read at once.
const CHUNK: usize = 16 * 1024;
/// No answer to anything asked here is longer: a value has at most some MiB.
const MAX_MESSAGE: usize = 256 * 1024 * 1024;
/// Everything goes over the wire as bytes, in both directions.
const BINARY: i16 = 1;
/// The numbers of the types `bytea`, `bigint` and `tid`.
const BYTEA: u32 = 17;
const BIGINT: u32 = 20;
const TID: u32 = 27;

/// A value of a statement.
pub(super) enum Value<'a> {
    Bytes(&'a [u8]),
    Many(Vec<&'a [u8]>),
    Number(i64),
    Numbers(Vec<i64>),
    /// Where rows are.
    Places(Vec<[u8; 6]>),
}

/// A statement with its values.
pub(super) struct Ask<'a> {
    pub(super) sql: &'a str,
    pub(super) values: Vec<Value<'a>>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(sql: &'a str, values: Vec<Value<'a>>) -> Self {
        Self { sql, values }
    }

    pub(super) fn plain(sql: &'a str) -> Self {
        Self::new(sql, Vec::new())
    }
}

/// The columns of a row; a null is empty.
pub(super) type Columns = Vec<Vec<u8>>;

/// A connection, which belongs to one thread at a time.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Statements that the server has read already, by their text.
    prepared: BTreeMap<String, String>,
    /// It is in no state to be used again.
    broken: bool,
    trips: u64,
    /// Names it among all connections that there ever were, and what it wrote last.
    pub(super) last: Written,
}

/// What finds out whether a transaction was committed of which the answer was lost: a row for each connection, with a number that its
/// transactions count up. The numbers that a server gives to transactions do not tell: after a crash it gives them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) connection: [u8; 16],
    pub(super) number: i64,
}

impl Connection {
    /// A connection on which nothing was said yet.
    pub(super) fn new(stream: Stream) -> Result<Self, Trouble> {
        Ok(Self {
            stream,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            prepared: BTreeMap::new(),
            broken: false,
            trips: 0,
            last: Written {
                connection: *Secret::random(&mut system_random()?).as_bytes(),
                number: 0,
            },
        })
    }

    /// Whether it can be used again.
    pub(super) fn is_whole(&self) -> bool {
        !self.broken
    }

    /// How often the server was waited for.
    pub(super) fn trips(&self) -> u64 {
        self.trips
    }

    /// Sends statements together and waits for all their rows. Where one fails those behind it are not run.
    pub(super) fn ask(&mut self, asks: &[Ask<'_>]) -> Result<Vec<Vec<Columns>>, Trouble> {
        let mut new = Vec::new();
        for ask in asks {
            self.put(ask, &mut new)?;
        }
        frontend::sync(&mut self.outgoing);
        self.send()?;
        self.answers(asks.len(), &new)
    }

    /// Runs statements that have no values and answer nothing.
    pub(super) fn command(&mut self, sql: &str) -> Result<(), Trouble> {
        frontend::query(sql, &mut self.outgoing)?;
        self.send()?;
        self.answers(0, &[]).map(|_| ())
    }

    fn put(&mut self, ask: &Ask<'_>, new: &mut Vec<(String, String)>) -> Result<(), Trouble> {
        let known = self.prepared.get(ask.sql);
        let within = || new.iter().find(|(sql, _)| sql == ask.sql);
        let name = match known.or_else(|| within().map(|(_, name)| name)) {
            Some(name) => name.clone(),
            None => {
                let name = format!("w{}", self.prepared.len() + new.len());
                frontend::parse(&name, ask.sql, [], &mut self.outgoing)?;
                new.push((ask.sql.to_owned(), name.clone()));
                name
            }
        };
        let formats = [BINARY];
        let to = &mut self.outgoing;
        frontend::bind("", &name, formats, &ask.values, put_value, formats, to).map_err(
            |error| match error {
                BindError::Conversion(_) => Trouble::Failed(StoreError::Io {
                    kind: io::ErrorKind::FileTooLarge,
                }),
                BindError::Serialization(error) => error.into(),
            },
        )?;
        frontend::execute("", 0, &mut self.outgoing)?;
        Ok(())
    }

    /// Everything that the server says until it waits for the next question.
    fn answers(
        &mut self,
        count: usize,
        new: &[(String, String)],
    ) -> Result<Vec<Vec<Columns>>, Trouble> {
        self.trips += 1;
        let (mut answers, mut rows, mut parsed) = (Vec::new(), Vec::new(), new.iter());
        let mut failed = None;
        loop {
            match self.receive()? {
                Message::ParseComplete => {
                    if let Some((sql, name)) = parsed.next() {
                        self.prepared.insert(sql.clone(), name.clone());
                    }
                }
                Message::DataRow(row) => rows.push(columns(&row)?),
                Message::CommandComplete(_) | Message::EmptyQueryResponse => {
                    answers.push(core::mem::take(&mut rows));
                }
                Message::ErrorResponse(error) => {
                    let trouble = trouble_of(&error);
                    self.broken |= matches!(trouble, Trouble::Lost(_));
                    failed.get_or_insert(trouble);
                }
                Message::ReadyForQuery(_) => break,
                Message::BindComplete
                | Message::NoData
                | Message::RowDescription(_)
                | Message::NoticeResponse(_)
                | Message::NotificationResponse(_)
                | Message::ParameterStatus(_) => {}
                _ => {
                    self.broken = true;
                    return Err(Trouble::nonsense());
                }
            }
        }
        match failed {
            Some(trouble) => Err(trouble),
            None if count != 0 && answers.len() != count => Err(Trouble::nonsense()),
            None => Ok(answers),
        }
    }

    /// What a password is bound to, in a channel that is sealed.
    pub(super) fn binding(&self) -> Option<Vec<u8>> {
        self.stream.binding()
    }

    pub(super) fn outgoing(&mut self) -> &mut BytesMut {
        &mut self.outgoing
    }

    pub(super) fn send(&mut self) -> Result<(), Trouble> {
        let sent = self.stream.write_all(&self.outgoing);
        self.outgoing.clear();
        let sent = sent.and_then(|()| self.stream.flush());
        self.broken |= sent.is_err();
        Ok(sent?)
    }

    /// The next message. An error the server sent before it hung up is one, too.
    pub(super) fn receive(&mut self) -> Result<Message, Trouble> {
        let received = self.read_message();
        self.broken |= received.is_err();
        received
    }

    fn read_message(&mut self) -> Result<Message, Trouble> {
        loop {
            if let Some(message) = Message::parse(&mut self.incoming)? {
                return Ok(message);
            }
            if self.incoming.len() > MAX_MESSAGE {
                return Err(Trouble::nonsense());
            }
            let mut chunk = [0; CHUNK];
            let len = match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Trouble::Lost("the server hung up".to_owned())),
                Ok(len) => len,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let read = chunk.get(..len).unwrap_or_default();
            self.incoming.extend_from_slice(read);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.broken {
            frontend::terminate(&mut self.outgoing);
            let _ = self.send();
        }
    }
}

fn put_value(value: &Value<'_>, to: &mut BytesMut) -> Result<IsNull, BoxedError> {
    match value {
        Value::Bytes(bytes) => to.extend_from_slice(bytes),
        Value::Number(number) => to.put_i64(*number),
        Value::Many(many) => put_array(BYTEA, many.iter().copied(), to)?,
        Value::Places(places) => put_array(TID, places.iter().map(<[u8; 6]>::as_slice), to)?,
        Value::Numbers(numbers) => {
            let numbers: Vec<_> = numbers.iter().map(|number| number.to_be_bytes()).collect();
            put_array(BIGINT, numbers.iter().map(<[u8; 8]>::as_slice), to)?;
        }
    }
    Ok(IsNull::No)
}

fn put_array<'a>(
    of: u32,
    values: impl ExactSizeIterator<Item = &'a [u8]>,
    to: &mut BytesMut,
) -> Result<(), BoxedError> {
    let dimensions = i32::from(values.len() != 0);
    to.put_i32(dimensions);
    to.put_i32(0);
    to.put_u32(of);
    if dimensions == 1 {
        to.put_i32(i32::try_from(values.len())?);
        to.put_i32(1);
    }
    for bytes in values {
        to.put_i32(i32::try_from(bytes.len())?);
        to.extend_from_slice(bytes);
    }
    Ok(())
}

type BoxedError = Box<dyn core::error::Error + Sync + Send>;

fn columns(row: &DataRowBody) -> Result<Columns, Trouble> {
    let buffer = row.buffer();
    let columns = row.ranges().map(|range| {
        let bytes = range.and_then(|range| buffer.get(range));
        Ok(bytes.unwrap_or_default().to_vec())
    });
    Ok(columns.collect()?)
}

/// What an error of the server means.
pub(super) fn trouble_of(error: &ErrorResponseBody) -> Trouble {
    let (mut code, mut why) = (String::new(), String::new());
    let mut fields = error.fields();
    while let Ok(Some(field)) = fields.next() {
        match field.type_() {
            b'C' => code = shown(field.value_bytes()),
            b'M' => why = shown(field.value_bytes()),
            _ => {}
        }
    }
    of_server(&code, why)
}

/// The first column of the first row that the first statement answered.
pub(super) fn first(answers: &[Vec<Columns>]) -> Option<&Vec<u8>> {
    answers.first()?.first()?.first()
}

pub(super) fn number(column: Option<&Vec<u8>>) -> Result<i64, Trouble> {
    let bytes = column.and_then(|column| <[u8; 8]>::try_from(column.as_slice()).ok());
    bytes.map(i64::from_be_bytes).ok_or_else(Trouble::nonsense)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn put(value: &Value<'_>) -> Vec<u8> {
        let mut bytes = BytesMut::new();
        put_value(value, &mut bytes).unwrap();
        bytes.to_vec()
    }

    #[test]
    fn values_stand_as_the_protocol_has_them() {
        assert_eq!(put(&Value::Bytes(&[1, 2])), [1, 2]);
        assert_eq!(put(&Value::Number(-2)), (-2i64).to_be_bytes());
        // Dimensions, whether there are nulls, and the type; then how many, and the number of the first.
        let none = put(&Value::Many(vec![]));
        assert_eq!(none, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17]);
        let many = put(&Value::Many(vec![[7, 8, 9].as_slice(), &[]]));
        let head = [
            0u8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 1,
        ];
        let rest = [0u8, 0, 0, 3, 7, 8, 9, 0, 0, 0, 0];
        assert_eq!(many, [head.as_slice(), &rest].concat());
        let places = put(&Value::Places(vec![[5; 6]]));
        let head = [
            0u8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 27, 0, 0, 0, 1, 0, 0, 0, 1,
        ];
        let rest = [0u8, 0, 0, 6, 5, 5, 5, 5, 5, 5];
        assert_eq!(places, [head.as_slice(), &rest].concat());
        let numbers = put(&Value::Numbers(vec![258]));
        let head = [
            0u8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 1,
        ];
        let rest = [0u8, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1, 2];
        assert_eq!(numbers, [head.as_slice(), &rest].concat());
    }
}
