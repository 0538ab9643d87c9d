//! Addresses that were read before.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::records::conversations::ConversationId;
use crate::identity::AddressError;

/// As many are remembered; then it begins anew.
const MAX_REMEMBERED: usize = 256;

/// Longer texts than any address as it is written are read each time.
const MAX_LEN: usize = 128;

/// What addresses name: reading one costs as much as a step of the ratchet, and most are written to again. They are no secret, and what one
/// names never changes.
#[derive(Default)]
pub(super) struct Addresses(Mutex<BTreeMap<String, ConversationId>>);

impl Addresses {
    /// The conversation with whom, or of which, this is the address.
    pub(super) fn read(&self, address: &str) -> Result<ConversationId, AddressError> {
        if let Some(known) = self.lock().get(address) {
            return Ok(*known);
        }
        let read = ConversationId::from_address(address)?;
        if address.len() <= MAX_LEN {
            let mut all = self.lock();
            if all.len() >= MAX_REMEMBERED {
                all.clear();
            }
            all.insert(address.to_owned(), read);
        }
        Ok(read)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ConversationId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::crypto::Secret;
    use crate::identity::IdentityKeyPair;

    #[test]
    fn an_address_names_the_same_however_often_it_is_read_and_few_are_kept() {
        let addresses = Addresses::default();
        for seed in 0..=u8::MAX {
            let one = IdentityKeyPair::from_seed(&Secret::new([seed; 32])).public();
            let address = one.address();
            for _ in 0..2 {
                let read = addresses.read(&address);
                assert_eq!(read.unwrap(), ConversationId::Direct(one));
            }
            assert!(addresses.read(&address.replace("wl1", "wl2")).is_err());
        }
        addresses.read(&format!("{:>200}", "group")).unwrap_err();
        let kept = || addresses.lock().len();
        assert_eq!(kept(), MAX_REMEMBERED);
        let next = IdentityKeyPair::from_seed(&Secret::new([7; 32])).public();
        addresses.read(&format!(" {} ", next.address())).unwrap();
        assert_eq!(kept(), 1);
    }
}
