//! Which rows there are, so that nobody who has no key takes one away (docs/store.md, "Rows that somebody removed").
//!
//! A seal says that a row is whole. That it is there it cannot say: without a block, a removal or a mark of what is to be shredded, a
//! store would be whole and wrong. So every commit seals how many rows there are, and the sum of a keyed hash of each name: whoever
//! removes some and adds others cannot make the two fit. The hash is MSet-Add-Hash of Clarke, Devadas, van Dijk, Gassend and Suh,
//! "Incremental Multiset Hash Functions" (ASIACRYPT 2003), whose sum has to be secret.

use std::sync::Mutex;

use redb::{ReadableTable, ReadableTableMetadata};

use super::database::{Opened, Raw, RowsTable};
use super::error::StoreError;
use super::guard::lock;
use super::header::Header;
use super::tree::{CENSUS_ROW, HEADER_ROW, ROOT_ROW, Tree};
use crate::crypto::{self, CryptoRng, hmac_sha256};

/// These are there in every store and are counted in none: each is authenticated, and needed to open it.
const NOT_COUNTED: [[u8; 2]; 3] = [ROOT_ROW, HEADER_ROW, CENSUS_ROW];

/// How many rows there are, and the sum of their names' hashes. Of a change: by how much both grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Census {
    rows: u64,
    names: u128,
}

impl Census {
    /// One more row.
    pub(super) fn add(&mut self, tree: &Tree, row: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.names = self.names.wrapping_add(hash(tree, row));
    }

    /// One less.
    pub(super) fn remove(&mut self, tree: &Tree, row: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.names = self.names.wrapping_sub(hash(tree, row));
    }

    fn of(
        tree: &Tree,
        table: &impl ReadableTable<Raw<'static>, Raw<'static>>,
    ) -> Result<Self, StoreError> {
        let mut census = Self::default();
        for entry in table.iter()? {
            let (row, _) = entry?;
            if !NOT_COUNTED.iter().any(|own| own.as_slice() == row.value()) {
                census.add(tree, row.value());
            }
        }
        Ok(census)
    }

    fn encode(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let (rows, names) = bytes.split_at_mut(8);
        rows.copy_from_slice(&self.rows.to_be_bytes());
        names.copy_from_slice(&self.names.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (rows, names) = bytes.split_first_chunk()?;
        Some(Self {
            rows: u64::from_be_bytes(*rows),
            names: u128::from_be_bytes(names.try_into().ok()?),
        })
    }
}

fn hash(tree: &Tree, row: &[u8]) -> u128 {
    let hash = hmac_sha256(tree.census_key.as_bytes(), &[row]);
    let (half, _) = hash.as_bytes().split_at(16);
    half.try_into().map_or(0, u128::from_be_bytes)
}

/// The census of an open store, as the next commit will say it.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<State>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    census: Census,
    written: bool,
}

impl Kept {
    /// What the file says, compared with what is in it: a small file row by row, a large one by their number.
    pub(super) fn read(opened: &Opened, tree: &Tree, header: &Header) -> Result<Self, StoreError> {
        let table = opened.begin_read()?;
        let missing = || StoreError::Damaged { what: "rows" };
        let sealed = table.get(CENSUS_ROW.as_slice())?.ok_or_else(missing)?;
        let data = associated_data(header);
        let census = crypto::open(&tree.census_key, sealed.value(), &data)
            .ok()
            .and_then(|census| Census::decode(&census))
            .ok_or_else(missing)?;
        let whole = if opened.is_small() {
            Census::of(tree, &table)? == census
        } else {
            table.len()? == census.rows.wrapping_add(NOT_COUNTED.len() as u64)
        };
        if !whole {
            return Err(missing());
        }
        let written = true;
        Ok(Self(Mutex::new(State { census, written })))
    }

    /// What a step, or a shred, did to the rows.
    pub(super) fn learn(&self, change: Census) {
        if change != Census::default() {
            let mut state = lock(&self.0);
            state.census.rows = state.census.rows.wrapping_add(change.rows);
            state.census.names = state.census.names.wrapping_add(change.names);
            state.written = false;
        }
    }

    /// The header changes, which the census is sealed with.
    pub(super) fn header_changes(&self) {
        lock(&self.0).written = false;
    }

    /// Whether there is something to write.
    pub(super) fn is_written(&self) -> bool {
        lock(&self.0).written
    }

    pub(super) fn write(
        &self,
        table: &mut RowsTable<'_>,
        tree: &Tree,
        header: &Header,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), StoreError> {
        let mut state = lock(&self.0);
        let census = state.census.encode();
        let sealed = crypto::seal(&tree.census_key, &census, &associated_data(header), rng)?;
        table.insert(CENSUS_ROW.as_slice(), sealed.as_slice())?;
        state.written = true;
        Ok(())
    }
}

/// An earlier census of the same store is none of another opening, nor of another epoch.
fn associated_data(header: &Header) -> Vec<u8> {
    let mut data = header.store_id.to_vec();
    data.extend_from_slice(&header.epoch.to_be_bytes());
    data.extend_from_slice(&header.opened.to_be_bytes());
    data
}
