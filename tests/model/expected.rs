//! The reference model: which messages a side must be able to open.

use std::collections::{BTreeSet, VecDeque};

use windlass::limits::MAX_RECEIVING_CHAINS;

/// A message on its way, and what the model knows of it.
#[derive(Clone)]
pub struct Sent {
    pub payload: Vec<u8>,
    pub envelope: Vec<u8>,
    pub chain: u32,
    pub number: u32,
    pub previous: u32,
    pub delivered: bool,
}

/// The model of one receiving side: which keys it must have.
#[derive(Default)]
pub struct Expected {
    pub chains: VecDeque<u32>,
    pub next: u32,
    pub skipped: BTreeSet<(u32, u32)>,
}

impl Expected {
    /// Whether a genuine message opens.
    pub fn opens(&self, sent: &Sent) -> bool {
        match self.chains.back() {
            None => true,
            Some(last) if sent.chain == *last && sent.number >= self.next => true,
            Some(last) if sent.chain <= *last => self.skipped.contains(&(sent.chain, sent.number)),
            Some(_) => true,
        }
    }

    pub fn open(&mut self, sent: &Sent) {
        if self.skipped.remove(&(sent.chain, sent.number)) {
            return;
        }
        if self.chains.back() != Some(&sent.chain) {
            if let Some(last) = self.chains.back() {
                self.skipped
                    .extend((self.next..sent.previous).map(|number| (*last, number)));
            }
            self.chains.push_back(sent.chain);
            self.next = 0;
            if self.chains.len() > MAX_RECEIVING_CHAINS {
                let gone = self.chains.pop_front().unwrap();
                self.skipped.retain(|(chain, _)| *chain != gone);
            }
        }
        self.skipped
            .extend((self.next..sent.number).map(|number| (sent.chain, number)));
        self.next = sent.number + 1;
    }
}
