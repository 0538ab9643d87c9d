//! What is handed over to a process that shows what a push brought and does not own the store: an iOS notification service extension, an Android
//! push service, a service worker (decision 0109). Here it is made and sealed; [`super::peek`] opens it and reads with it.
//!
//! There is in it what it takes to read the next messages and to say who writes, and nothing else: no seed, no prekey, no sending chain, no history.

use std::collections::BTreeMap;

use crate::chat::{ChatSettingKind, GroupPermission};
use crate::crypto::{CryptoRng, Secret, SecretBytes, hkdf_sha256, pad, seal};
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::base::rows::damaged;
use crate::engine::records::contacts::Contact;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::groups::MemberList;
use crate::engine::records::{
    chat_settings, contacts, groups, listed, own_devices, profiles, sessions,
};
use crate::identity::PublicIdentity;
use crate::limits::MAX_LISTED_AT_ONCE;
use crate::session::Session;
use crate::store::{Rows, StoreError, Table};
use crate::wire;
use crate::wire::store::{HandOverBody, HandedOverGroup, HandedOverPerson};
use crate::x3dh::Party;

/// The form of the bytes. One byte, in front.
pub(super) const VERSION: u8 = 1;

/// Version, and when it was made, in milliseconds since the epoch.
pub(super) const HEAD_LEN: usize = 1 + 8;

/// For how long it is read: whoever takes it later, with its key, has nothing of it.
pub(super) const KEPT_SECONDS: u64 = 7 * 86_400;

/// Sessions that are handed over, of the conversations in which something happened last: some 500 bytes each, and an extension has little memory.
const MAX_SESSIONS: usize = 4_096;

/// Length in bytes of what is opened. As many sessions as are handed over, with the longest names and the largest groups, fit.
pub(super) const MAX_LEN: usize = 8 * 1024 * 1024;

const LABEL: &[u8] = b"Windlass hand-over v1";

/// The key that seals it. The application's key may seal other things as well.
pub(super) fn sealing_key(key: &Secret<32>) -> Secret<32> {
    hkdf_sha256(&[0; 32], key.as_bytes(), LABEL)
}

/// What of the store is handed over.
pub(crate) struct HandedOver(SecretBytes);

impl HandedOver {
    /// The bytes for the file: version, date, and the sealed rest (XAES-256-GCM), padded.
    pub(crate) fn seal(
        &self,
        key: &Secret<32>,
        now: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, EngineError> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&now.to_be_bytes());
        let sealed = seal(&sealing_key(key), &pad(&self.0), &bytes, rng);
        // It is bounded, so never longer than can be sealed.
        bytes.extend(sealed.map_err(StoreError::from)?);
        Ok(bytes)
    }

    /// What is sealed.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads the store: the conversations in which something happened last first, then the other contacts, until there are as many sessions as are
    /// handed over.
    pub(crate) fn of(store: &dyn Rows, device: &Device) -> Result<Self, EngineError> {
        let own = device.public();
        let mut gathered = Gathered::new(store, device);
        for sibling in own_devices::siblings(store)? {
            let party = Party {
                identity: own,
                device_id: sibling.remote.device_id,
            };
            for session in sessions::with(store, &party)? {
                gathered.be_quiet_about(&session);
            }
        }
        gathered.take_conversations()?;
        gathered.take_contacts()?;
        Ok(Self(wire::encode_secret(&gathered.body)))
    }
}

/// What was found so far.
struct Gathered<'a> {
    store: &'a dyn Rows,
    own: PublicIdentity,
    /// Where somebody stands among the people; nothing for who is not handed over.
    places: BTreeMap<[u8; 32], Option<u32>>,
    body: HandOverBody,
}

impl<'a> Gathered<'a> {
    fn new(store: &'a dyn Rows, device: &Device) -> Self {
        let own = device.public();
        Self {
            store,
            own,
            places: BTreeMap::from([(own.to_bytes(), None)]),
            body: HandOverBody {
                identity_key: own.to_bytes().to_vec(),
                device_id: device.device_id,
                ..HandOverBody::default()
            },
        }
    }

    fn is_full(&self) -> bool {
        self.body.sessions.len() >= MAX_SESSIONS
    }

    fn take_conversations(&mut self) -> Result<(), EngineError> {
        let mut after = None;
        for _ in 0..MAX_SESSIONS.div_ceil(MAX_LISTED_AT_ONCE) {
            let page = listed::page(self.store, after, MAX_LISTED_AT_ONCE)?;
            for (place, row) in &page {
                after = Some(*place);
                let id = ConversationId::from_columns(&row.peer_identity_key, &row.group_id);
                match id.ok_or_else(|| damaged(Table::Listed))? {
                    ConversationId::Direct(peer) => {
                        self.person(&peer)?;
                    }
                    id @ ConversationId::Group(group) => {
                        if let Some(list) = groups::member_list(self.store, &group)? {
                            self.take_group(&id, &list)?;
                        }
                    }
                }
                if self.is_full() {
                    return Ok(());
                }
            }
            if page.len() < MAX_LISTED_AT_ONCE {
                break;
            }
        }
        Ok(())
    }

    fn take_contacts(&mut self) -> Result<(), EngineError> {
        let mut after = 0;
        while !self.is_full() {
            let page = contacts::page(self.store, after, MAX_LISTED_AT_ONCE)?;
            for contact in &page {
                self.take(contact)?;
            }
            match page.last() {
                Some(last) if last.row.place > after => after = last.row.place,
                _ => break,
            }
        }
        Ok(())
    }

    fn take_group(&mut self, id: &ConversationId, list: &MemberList) -> Result<(), EngineError> {
        let mut writers = Vec::new();
        let quiet = !list.has(&self.own);
        if !quiet {
            for member in list.members() {
                if !list.may(&member, GroupPermission::Write) {
                    continue;
                }
                let Some(place) = self.person(&member)? else {
                    continue;
                };
                // Who is only invited hears of people whom they accepted.
                let person = self.body.people.get(place as usize);
                if list.is_joined() || !person.is_some_and(|person| person.waits) {
                    writers.push(place);
                }
            }
        }
        let (name, muted_until) = self.settings(id)?;
        let (_, group_id) = id.columns();
        self.body.groups.push(HandedOverGroup {
            group_id,
            name: name.unwrap_or_else(|| list.name().to_owned()),
            muted_until,
            writers,
            quiet,
        });
        Ok(())
    }

    /// The place of somebody, who is looked up if they were not yet.
    fn person(&mut self, identity: &PublicIdentity) -> Result<Option<u32>, EngineError> {
        if let Some(place) = self.places.get(&identity.to_bytes()) {
            return Ok(*place);
        }
        match contacts::find(self.store, identity)? {
            Some(contact) => self.take(&contact),
            None => Ok(None),
        }
    }

    fn take(&mut self, contact: &Contact) -> Result<Option<u32>, EngineError> {
        let key = contact.identity.to_bytes();
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        let next = u32::try_from(self.body.people.len()).unwrap_or(u32::MAX);
        let before = self.body.sessions.len();
        for party in contact.parties() {
            for session in sessions::with(self.store, &party)? {
                if contact.row.blocked {
                    self.be_quiet_about(&session);
                } else {
                    self.take_session(&session, next);
                }
            }
        }
        let mut place = None;
        if self.body.sessions.len() > before {
            place = Some(next);
            let id = ConversationId::Direct(contact.identity);
            let (name, muted_until) = self.settings(&id)?;
            let profile = profiles::of(self.store, &contact.identity)?;
            let own_name = profile.map(|profile| profile.name);
            self.body.people.push(HandedOverPerson {
                identity_key: key.to_vec(),
                name: name.or(own_name).unwrap_or_default(),
                muted_until,
                waits: contact.waits(),
                requested: contact.row.requested,
            });
        }
        self.places.insert(key, place);
        Ok(place)
    }

    fn take_session(&mut self, session: &Session, person: u32) {
        for tag in session.settled_tags() {
            self.body.quiet_tags.extend_from_slice(&tag);
        }
        if !self.is_full() {
            self.body.sessions.extend(session.to_receiving_row(person));
        }
    }

    /// Nothing of a session is shown: its tags are enough, and no key of it is handed over.
    fn be_quiet_about(&mut self, session: &Session) {
        for tag in session.expected_tags() {
            self.body.quiet_tags.extend_from_slice(&tag);
        }
    }

    /// The user's own name for a conversation, and until when it is mute.
    fn settings(&self, id: &ConversationId) -> Result<(Option<String>, u64), EngineError> {
        let (mut name, mut muted_until) = (None, 0);
        for one in chat_settings::of(self.store, id)? {
            match one.kind {
                ChatSettingKind::MutedUntil => muted_until = one.number,
                ChatSettingKind::Name => name = Some(one.text).filter(|name| !name.is_empty()),
                _ => {}
            }
        }
        Ok((name, muted_until))
    }
}
