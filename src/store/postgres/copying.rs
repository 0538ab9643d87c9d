//! A store in a database, as a place of a copying.

use super::address::Address;
use super::connection::{Ask, Value};
use super::lifecycle::{found, make};
use super::login;
use super::reads::Reads;
use super::replacing;
use super::source::Source;
use super::state::Ring;
use crate::crypto::Secret;
use crate::store::copying::{AT_ONCE, CarriedRow, Fill, Held, Side, Work, page_behind};
use crate::store::header::{Header, Standing};
use crate::store::lifecycle::Beginning;
use crate::store::tree::HEADER_ROW;
use crate::store::{Direction, Sequence, StoreError, StoreKey};

impl Side for Address {
    /// What replaces keys waits, and whoever writes: a step that began before finds another header when this one is over.
    fn hold(&self, key: &StoreKey, work: Work<'_>) -> Result<(), StoreError> {
        let held = found(self, key, |_| Ok(())).and_then(|(connection, mut ring)| {
            ring.in_turn(
                || Ok(connection),
                |ring, _| {
                    let mut connection = login::open(self)?;
                    connection.command(replacing::BEGIN)?;
                    let epoch = ring.read_any(&mut connection)?;
                    work(&mut HeldRows {
                        header: epoch.header,
                        source: Source::new(connection, epoch.tree),
                        ring,
                    })?;
                    Ok(())
                },
            )
        });
        held.map_err(|trouble| trouble.told())
    }

    fn make(&self, key: &StoreKey, beginning: Beginning, fill: Fill<'_>) -> Result<(), StoreError> {
        let made = make(self, key, beginning, fill);
        made.map(|_| ()).map_err(|trouble| trouble.told())
    }
}

/// One transaction, with the table locked.
struct HeldRows<'a> {
    ring: &'a mut Ring,
    header: Header,
    source: Source,
}

impl Held for HeldRows<'_> {
    fn header(&self) -> Header {
        self.header
    }

    fn data_key(&self) -> (Secret<32>, u64) {
        let keys = &self.ring.keys;
        (keys.data_key.duplicate(), keys.opened)
    }

    fn len(&self) -> Result<u64, StoreError> {
        self.source.count_all()
    }

    fn page(&self, after: &[u8]) -> Result<Vec<CarriedRow>, StoreError> {
        let source = &self.source;
        page_behind(
            after,
            |bounds| source.range(bounds, Direction::Forward, AT_ONCE),
            |table, row, sealed| source.unseal(table, row, sealed),
        )
    }

    fn last_id(&self, sequence: Sequence) -> Result<u64, StoreError> {
        self.source.last_id(sequence)
    }

    fn stand(&mut self, standing: Standing) -> Result<(), StoreError> {
        let header = Header {
            standing,
            ..self.header
        };
        let row = header.encode(&self.ring.header_key);
        let values = [HEADER_ROW.as_slice(), &row].map(Value::Bytes);
        let update = Ask::new("UPDATE rows SET v = $2 WHERE k = $1", values.into());
        self.source.ask(vec![update, Ask::plain("COMMIT")])?;
        self.header = header;
        Ok(())
    }

    fn forget_keys(&mut self) -> Result<(), StoreError> {
        self.ring.slots.forget()
    }
}
