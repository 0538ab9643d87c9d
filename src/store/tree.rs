//! The tree of keys (docs/store.md, "Epochs and buckets"): a root that the key slots open, 256 nodes, 65,536 buckets.
//!
//! A row belongs to the bucket that the first two bytes of its hashed key name. Overwriting the root's key in the slot file makes
//! every key unreadable that is not in the new tree; so a shred rewrites the buckets that hold something dead, their nodes and the
//! root, and nothing else. The idea is the key tree of Reardon, Basin and Capkun, "Secure Data Deletion from Persistent Media"
//! (CCS 2013), with a fixed shape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use super::error::StoreError;
use super::guard::{read, write};
use crate::crypto::{self, CryptoRng, Secret, TooLong, hkdf_sha256};

/// First byte of the rows of the store's own that few steps write; places of tables have other numbers.
pub(super) const OWN_TAG: u8 = 0;
/// That of those which every commit writes: beside tables that are written as often (`table.rs`).
const OWN_HOT_TAG: u8 = 3;
/// Row of the tree's root.
pub(super) const ROOT_ROW: [u8; 2] = [OWN_TAG, 0];
/// Row of the header.
pub(super) const HEADER_ROW: [u8; 2] = [OWN_HOT_TAG, 0];
/// Row of the census.
pub(super) const CENSUS_ROW: [u8; 2] = [OWN_HOT_TAG, 1];

/// Whether a row is the store's own, and no table's.
pub(super) fn is_own(row: &[u8]) -> bool {
    matches!(row, [OWN_TAG | OWN_HOT_TAG, ..])
}

/// Row of a node.
pub(super) fn node_row(node: u8) -> [u8; 3] {
    [OWN_TAG, 1, node]
}

/// Row that marks a bucket in which something died since the last shred.
pub(super) fn dirty_row(bucket: Bucket) -> [u8; 4] {
    [OWN_TAG, 2, bucket.0, bucket.1]
}

/// What all dirty marks begin with.
pub(super) const DIRTY_PREFIX: [u8; 2] = [OWN_TAG, 2];

/// A bucket: its node, and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Bucket(pub(super) u8, pub(super) u8);

impl Bucket {
    /// The bucket of a physical row key, `place || hash || tag || order`.
    pub(super) fn of(row: &[u8]) -> Option<Self> {
        match row {
            [_, node, place, ..] => Some(Self(*node, *place)),
            _ => None,
        }
    }
}

const FAN_OUT: usize = 256;

/// The keys of the root's nodes, or of a node's buckets, all of them made at once: a row in a bucket that was empty costs no key.
pub(super) struct Keys(Secret<{ FAN_OUT * 32 }>);

impl Keys {
    pub(super) fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    pub(super) fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    pub(super) fn get(&self, place: u8) -> Secret<32> {
        let (keys, _) = self.0.as_bytes().as_chunks::<32>();
        keys.get(usize::from(place))
            .map_or_else(Secret::zero, |key| Secret::new(*key))
    }

    pub(super) fn replace(&mut self, place: u8, key: &Secret<32>) {
        let (keys, _) = self.0.as_mut_bytes().as_chunks_mut::<32>();
        if let Some(to) = keys.get_mut(usize::from(place)) {
            to.copy_from_slice(key.as_bytes());
        }
    }

    /// Seals the keys for the row `row` of the store `store_id`.
    pub(super) fn seal(
        &self,
        key: &Secret<32>,
        store_id: &[u8; 16],
        row: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, TooLong> {
        crypto::seal(key, self.0.as_bytes(), &associated_data(store_id, row), rng)
    }

    pub(super) fn open(
        key: &Secret<32>,
        store_id: &[u8; 16],
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Self, StoreError> {
        crypto::open(key, sealed, &associated_data(store_id, row))
            .ok()
            .and_then(|plain| Secret::try_from_slice(&plain))
            .map(Self)
            .ok_or(StoreError::Damaged { what: "key tree" })
    }
}

/// What opens the rows of one epoch. A reader has its own hold of it, so that a shred need not wait for one that takes long.
pub(super) struct Tree {
    pub(super) store_id: [u8; 16],
    pub(super) lookup_key: Secret<32>,
    /// For the hashes of names that are summed, and the seal of the sum.
    pub(super) census_key: Secret<32>,
    pub(super) root: Keys,
    nodes: RwLock<BTreeMap<u8, Arc<Keys>>>,
}

impl Tree {
    pub(super) fn new(store_id: [u8; 16], lookup_key: Secret<32>, root: Keys) -> Self {
        Self {
            store_id,
            census_key: hkdf_sha256(
                &store_id,
                lookup_key.as_bytes(),
                b"Windlass store v1 census",
            ),
            lookup_key,
            root,
            nodes: RwLock::default(),
        }
    }

    /// The same store's tree under another root. Of the nodes those stay known that did not change.
    pub(super) fn moved(&self, root: Keys, changed: BTreeMap<u8, Arc<Keys>>) -> Self {
        let moved = Self::new(self.store_id, self.lookup_key.duplicate(), root);
        moved.learn(read(&self.nodes).clone());
        moved.learn(changed);
        moved
    }

    pub(super) fn cached_node(&self, node: u8) -> Option<Arc<Keys>> {
        read(&self.nodes).get(&node).cloned()
    }

    pub(super) fn learn(&self, nodes: BTreeMap<u8, Arc<Keys>>) {
        write(&self.nodes).extend(nodes);
    }
}

/// Buckets in which something died since the last shred, as the file marks them.
#[derive(Debug, Default)]
pub(super) struct Dirty(RwLock<BTreeSet<Bucket>>);

impl Dirty {
    pub(super) fn of(buckets: BTreeSet<Bucket>) -> Self {
        Self(RwLock::new(buckets))
    }

    pub(super) fn contains(&self, bucket: Bucket) -> bool {
        read(&self.0).contains(&bucket)
    }

    pub(super) fn extend(&self, buckets: BTreeSet<Bucket>) {
        write(&self.0).extend(buckets);
    }

    pub(super) fn buckets(&self) -> BTreeSet<Bucket> {
        read(&self.0).clone()
    }

    pub(super) fn len(&self) -> usize {
        read(&self.0).len()
    }
}

/// What a sealed row is bound to: this store, and its own key, so that rows cannot be swapped within a store nor between two.
pub(super) fn associated_data(store_id: &[u8; 16], row: &[u8]) -> Vec<u8> {
    [b"Windlass store v1 row".as_slice(), store_id, row].concat()
}
