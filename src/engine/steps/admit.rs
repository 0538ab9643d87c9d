//! What the AEAD accepted becomes part of the store (RFC windlass §7.6, §8.1).

use crate::bundle::VerifiedBundle;
use crate::chat::{Body, Content, GroupLinkToken};
use crate::engine::base::error::EngineError;
use crate::engine::base::message_ref::MessageRef;
use crate::engine::base::rows::put_row;
use crate::engine::base::step::Step;
use crate::engine::history::{backlog, message};
use crate::engine::records::contacts::Contact;
use crate::engine::records::pairs::{Beside, Standing};
use crate::engine::records::strangers::Arrival;
use crate::engine::records::{
    contacts, doubts, first_keys, message_keys, own_devices, pairs, prekeys, private_prekeys,
    sessions, strangers,
};
use crate::engine::steps::content;
use crate::engine::sync::outcome::{Outcome, PeerNews, Processed, UndecryptableCause as Cause};
use crate::engine::sync::waiting::{self, Words};
use crate::engine::sync::{group_links, receipts};
use crate::limits::MAX_STRANGER_SKIPPED_KEYS;
use crate::ratchet::SkippedChange;
use crate::session::{Part, Received, accepted_digest};
use crate::store::{Key, RowsMut, Table};
use crate::wire;
use crate::wire::store::HandshakeRow;
use crate::wire::v2::Payload;
use crate::x3dh::{HandshakeMessage, Party, SessionId};

/// A message that a session accepted, as far as it could be decoded.
struct Admission<'a> {
    received: Received,
    /// The handshake, of a first message.
    first: Option<&'a HandshakeMessage>,
    /// The sender's own bundle, if it brought a valid one.
    bundle: Option<VerifiedBundle>,
    payload: Option<Payload>,
    content: Option<Content>,
    /// Bytes of the ciphertext.
    len: usize,
}

impl<'a> Admission<'a> {
    fn new(received: Received, part: &Part, first: Option<&'a HandshakeMessage>) -> Self {
        let identity = received.session.peer().identity;
        let payload: Option<Payload> = received
            .payload
            .as_ref()
            .and_then(|payload| wire::decode("payload", payload).ok());
        let bundle = payload
            .as_ref()
            .and_then(|payload| VerifiedBundle::decode(&payload.sender_bundle).ok())
            .filter(|bundle| *bundle.identity() == identity);
        let content = payload
            .as_ref()
            .and_then(|payload| Content::from_bytes(&payload.content).ok());
        Self {
            received,
            first,
            bundle,
            payload,
            content,
            len: part.ciphertext.len(),
        }
    }

    fn peer(&self) -> Party {
        self.received.session.peer()
    }

    /// Whether a bundle names the device that wrote this.
    fn names_sender(&self, bundle: Option<&VerifiedBundle>) -> bool {
        let device_id = self.peer().device_id;
        bundle.is_some_and(|bundle| {
            bundle
                .devices()
                .iter()
                .any(|one| one.device_id == device_id)
        })
    }

    fn is_request(&self) -> bool {
        let body = self.content.as_ref().map(|content| &content.body);
        matches!(body, Some(Body::HealingRequest(_)))
    }

    /// By what its sender asks to be let into a group, if they do.
    fn asks_by(&self) -> Option<&GroupLinkToken> {
        match self.content.as_ref().map(|content| &content.body) {
            Some(Body::GroupJoinRequest(token)) => Some(token),
            _ => None,
        }
    }

    /// How many keys it makes us keep.
    fn kept(&self) -> usize {
        let changes = self.received.changes.iter();
        changes
            .filter(|change| matches!(change, SkippedChange::Keep(..)))
            .count()
    }

    /// Whether it is said to the user alone, and kept.
    fn is_direct(&self) -> bool {
        let content = self.content.as_ref();
        content.is_some_and(|content| content.group.is_none() && content.body.is_message())
    }

    /// Whether it may wait until the application has handled it. What is here already is acknowledged again.
    fn may_wait(&self, step: &Step<'_>) -> Result<bool, EngineError> {
        let (Some(content), Some(payload)) = (&self.content, &self.payload) else {
            return Ok(true);
        };
        let (author, len) = (self.peer().identity, payload.content.len());
        Ok(!content.body.is_message()
            || backlog::has_room(step.rows, &author, len as u64, content.group.is_none())?
            || message::contains(step.rows, &MessageRef::new(&author, content))?)
    }

    /// Whether it answers an invitation of the user's.
    fn is_invited(&self) -> bool {
        self.first
            .is_some_and(|handshake| handshake.one_time_prekey_id.is_some())
    }

    /// Why nothing of it is stored, and who is known to have sent it; nothing if it is admitted.
    fn refusal(&self, step: &mut Step<'_>) -> Result<Option<Processed>, EngineError> {
        let identity = self.peer().identity;
        let refused = |cause, from| {
            let told = Outcome::Undecryptable { cause, from };
            Ok(Some(Processed::unchanged(told)))
        };
        // Without its sender's bundle a first message cannot be answered (RFC windlass §7.6).
        if self.first.is_some() && !self.names_sender(self.bundle.as_ref()) {
            return refused(Cause::Content, None);
        }
        if identity == step.device.public() {
            return Ok(None);
        }
        let contact = contacts::find_or_new(step.rows, step.device, &identity, step.now)?;
        // A device that was left out since says nothing any more, whatever bundle it shows; nor does one that leaves itself out.
        if !self.names_sender(contact.newest(self.bundle.as_ref(), step.seconds())) {
            return refused(Cause::HandshakeInvalid, None);
        }
        if !self.may_wait(step)? {
            return refused(Cause::BacklogLimit, Some(identity));
        }
        // A stranger who asks to be let into a group is let in, or leaves nothing here: it takes no place, and nobody is told.
        if let Some(token) = self.asks_by()
            && contact.is_stranger()
        {
            let few = self.kept() <= MAX_STRANGER_SKIPPED_KEYS;
            let lets_in = few && group_links::lets_in(step, &identity, token)?.is_some();
            return Ok((!lets_in).then(Processed::nothing));
        }
        // Last, for room may be made for it.
        let words = Words {
            len: self.len as u64,
            kept: self.kept(),
            direct: self.is_direct(),
            invited: self.is_invited(),
        };
        if !waiting::admits(step, &contact, &words)? {
            return refused(Cause::StrangerLimit, Some(identity));
        }
        Ok(None)
    }

    /// Counts what it costs of somebody who is not accepted, and tells the user who asks for it.
    fn charge(&self, step: &mut Step<'_>, outcomes: &mut Vec<Outcome>) -> Result<(), EngineError> {
        let peer = self.peer().identity;
        let row = contacts::row(step.rows, &peer)?;
        let Some(row) = row.filter(|row| row.waits()) else {
            return Ok(());
        };
        let mut contact = Contact::from_row(row)?;
        let direct = self.is_direct();
        // Who is let into a group is introduced by it.
        if self.asks_by().is_some() {
            return Ok(());
        }
        if !(contact.is_stranger() || direct) || waiting::is_late_of_a_group(&contact, direct) {
            return Ok(());
        }
        let arrival = Arrival {
            len: self.len,
            invited: self.is_invited(),
            new_session: self.first.is_some(),
        };
        if strangers::charge(step.rows, &mut contact, &arrival, step.now)? {
            outcomes.push(Outcome::Peer(peer, PeerNews::ContactRequest));
        }
        Ok(())
    }

    /// As whom its sender is known, by the session and by what came with the content.
    fn know_sender(&mut self, step: &mut Step<'_>) -> Result<Standing, EngineError> {
        let peer = self.peer();
        let knows = peer.identity == step.device.public()
            || contacts::row(step.rows, &peer.identity)?.is_some_and(|contact| contact.is_known());
        let mut proven = None;
        if knows && let Some(payload) = &self.payload {
            let bundle = self.bundle.as_ref();
            let beside = Beside {
                content: &payload.content,
                pair: payload.pair.as_ref(),
                bundle_issued_at: bundle.map_or(0, VerifiedBundle::issued_at),
                anew: self.first.is_some() || self.is_request(),
            };
            proven = pairs::receive(step, &mut self.received.session, &beside)?;
        }
        let known_since = self.received.session.known_since();
        // A newer prekey that it brought itself is its own.
        let prekeys = self.bundle.iter().flat_map(VerifiedBundle::devices);
        for remote in prekeys.filter(|remote| remote.device_id == peer.device_id) {
            pairs::vouch_for_prekey(step, &peer, &remote.signed_prekey.key, known_since)?;
        }
        Ok(Standing {
            known_since,
            proven,
            established: self.received.established,
        })
    }

    /// The message, if it is not here yet, and was written before its session was known to be its author's.
    fn first_words(
        &self,
        step: &Step<'_>,
        standing: &Standing,
    ) -> Result<Option<MessageRef>, EngineError> {
        let early = |content: &&Content| content.sent_at < standing.known_since;
        let Some(content) = self.content.as_ref().filter(early) else {
            return Ok(None);
        };
        let message = MessageRef::new(&self.peer().identity, content);
        let known = message::contains(step.rows, &message)?;
        Ok((!known).then_some(message))
    }

    /// Stores the session as it is now, and what follows for what was asked.
    fn store_session(
        &self,
        step: &mut Step<'_>,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), EngineError> {
        let session = &self.received.session;
        if self.first.is_some() {
            sessions::create(step.rows, session)?;
        } else {
            sessions::save(step.rows, session)?;
            sessions::apply_tags(step.rows, &session.id(), &self.received.tags)?;
        }
        sessions::promote(step.rows, session)?;
        message_keys::apply(step.rows, &session.id(), &self.received.changes, step.now)?;
        let (peer, device_id) = (self.peer().identity, self.peer().device_id);
        if self.received.established || self.first.is_some() {
            first_keys::answered(step, &peer)?;
            outcomes.push(Outcome::Peer(
                peer,
                PeerNews::SessionEstablished { device_id },
            ));
        }
        let (skipped, asks) = (self.kept() > 0, self.is_request());
        if doubts::message_accepted(step.rows, session, skipped, asks, step.now)? {
            outcomes.push(Outcome::Peer(peer, PeerNews::SessionHealed { device_id }));
        }
        Ok(())
    }
}

/// Admits a message that a session accepted; `first` is the handshake that made the session.
pub(crate) fn admit(
    step: &mut Step<'_>,
    received: Received,
    part: &Part,
    first: Option<&HandshakeMessage>,
) -> Result<Processed, EngineError> {
    let mut admission = Admission::new(received, part, first);
    if let Some(refused) = admission.refusal(step)? {
        return Ok(refused);
    }
    let (party, session_id) = (admission.peer(), admission.received.session.id());
    let peer = party.identity;
    let mut outcomes = Vec::new();
    if let Some(handshake) = first {
        accept_handshake(step.rows, handshake, session_id)?;
        // They begin anew although there is a session: perhaps they lost it, and more with it. A request says itself what they have.
        let former = sessions::active(step.rows, &party)?;
        if !admission.is_request() && former.is_some_and(|session| !session.is_pending()) {
            doubts::note_missing(step.rows, &peer, step.now)?;
        }
    }
    merge_sender_bundle(step, admission.bundle.as_ref(), &party, &mut outcomes)?;
    admission.charge(step, &mut outcomes)?;
    let standing = admission.know_sender(step)?;
    admission.store_session(step, &mut outcomes)?;

    if let Some(payload) = &admission.payload {
        receipts::take_beside(step, &party, &payload.receipt, &mut outcomes)?;
    }

    let position = admission.received.position;
    let first_words = admission.first_words(step, &standing)?;
    let stored = match (admission.content, &admission.payload) {
        (Some(content), Some(payload)) => content::receive(
            step,
            &party,
            content,
            &payload.content,
            &standing,
            &mut outcomes,
        )?,
        _ => {
            outcomes.push(Outcome::Undecryptable {
                cause: Cause::Content,
                from: Some(peer),
            });
            None
        }
    };
    if let Some(message) = first_words {
        message::note_session(step.rows, &message, &session_id)?;
    }
    let digest = accepted_digest(part);
    message_keys::remember(step.rows, &session_id, position, digest, stored)?;
    Ok(Processed {
        outcomes,
        changed: true,
        from: Some(party),
        acknowledge: stored.map(|id| (peer, id)),
        cursor: None,
    })
}

/// The handshake opened a session: its one-time prekey is erased, and it is remembered against replay.
fn accept_handshake(
    store: &mut dyn RowsMut,
    handshake: &HandshakeMessage,
    session_id: SessionId,
) -> Result<(), EngineError> {
    match handshake.one_time_prekey_id {
        Some(id) if private_prekeys::is_private(id) => {
            private_prekeys::erase_given(store, &handshake.initiator, id)?;
        }
        Some(id) => prekeys::erase_one_time_prekey(store, id)?,
        None => {}
    }
    put_row(
        store,
        Table::Handshakes,
        Key::named(
            &handshake.signed_prekey_id.to_be_bytes(),
            &[],
            handshake.ephemeral_key.as_bytes(),
        ),
        &HandshakeRow {
            session_id: session_id.to_vec(),
        },
    )
}

/// The sender's bundle says how to answer, and which devices there are.
fn merge_sender_bundle(
    step: &mut Step<'_>,
    bundle: Option<&VerifiedBundle>,
    from: &Party,
    outcomes: &mut Vec<Outcome>,
) -> Result<(), EngineError> {
    let identity = from.identity;
    if identity == step.device.public() {
        if let Some(bundle) = bundle {
            let change = own_devices::merge_bundle(step, bundle, Some(from.device_id))?;
            if !change.is_empty() {
                outcomes.push(Outcome::Peer(identity, PeerNews::DevicesChanged(change)));
            }
        }
        return own_devices::seen(step.rows, from.device_id, step.now);
    }
    let Some(bundle) = bundle else {
        return Ok(());
    };
    let (_, change) = contacts::merge_bundle(step, bundle)?;
    if !change.is_empty() {
        outcomes.push(Outcome::Peer(identity, PeerNews::DevicesChanged(change)));
    }
    Ok(())
}
