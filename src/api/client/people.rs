//! Contacts, and whom we answer.

use super::Client;
use crate::api::engine::conversation::ConversationId;
use crate::api::engine::{contacts, prekeys, send, trust, updates};
use crate::api::{Bundle, Contact, Result, TrustPolicy, WindlassError};
use crate::bundle::Invitation;
use crate::chat;
use crate::identity::PublicIdentity;
use crate::store::Writer;

#[uniffi::export]
impl Client {
    /// Adds a contact, or takes in a newer bundle of one. An older bundle than the known one changes nothing.
    pub fn add_contact(&self, bundle: &Bundle) -> Result<Contact> {
        self.write(|writer, moment| {
            let contact = contacts::add(writer, &self.device, &bundle.0, moment)?;
            updates::share_contact(writer, &self.device, &contact, moment)?;
            Ok(Contact::from_engine(&contact))
        })
    }

    /// A code to show to somebody who stands in front of us: a single-use invitation that says so. Made anew for each person; draw it
    /// with `qr_svg` and its like, and never send it.
    pub fn in_person_code(&self) -> Result<String> {
        self.write(|writer, moment| {
            let bundle = prekeys::single_use_bundle(writer, &self.device, moment)?;
            Ok(bundle.to_uri_in_person())
        })
    }

    /// Adds the person whose in-person code was scanned from their own screen, and marks them verified. To be called with what the
    /// camera saw, never with a text that was sent: whoever made the code is then taken for the person in front of the user.
    pub fn meet(&self, code: String) -> Result<Contact> {
        let Invitation { bundle, in_person } =
            Invitation::from_uri(&code).map_err(WindlassError::from)?;
        if !in_person {
            return Err(WindlassError::NotInPerson);
        }
        self.write(|writer, moment| {
            let mut contact = contacts::add(writer, &self.device, &bundle, moment)?;
            contact.row.verified = true;
            contact.save(writer)?;
            updates::share_contact(writer, &self.device, &contact, moment)?;
            Ok(Contact::from_engine(&contact))
        })
    }

    /// Tells all accepted contacts that we go on as the identity of this bundle, in messages of their conversations; how many they
    /// are. For who begins anew after a theft, or unites two identities. They have to verify the new identity anew.
    pub fn announce_identity(&self, bundle: &Bundle) -> Result<u32> {
        let new = bundle.0.identity();
        if *new == self.device.public() {
            return Err(WindlassError::OwnBundle);
        }
        self.write(|writer, moment| {
            bundle.0.check_time(moment.seconds())?;
            let mut told = 0;
            for contact in contacts::all(writer)? {
                if !contact.is_accepted() || contact.row.blocked || contact.identity == *new {
                    continue;
                }
                let body = chat::Body::IdentityChange(bundle.0.encoded().to_vec());
                let to = ConversationId::Direct(contact.identity);
                match send::send(writer, &self.device, &to, body, None, moment) {
                    Ok(_) => told += 1,
                    // They cannot be written to, and hear of it another way.
                    Err(WindlassError::ContactNotVerified) => {}
                    Err(error) if error.is_want_of_bundle() => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(told)
        })
    }

    /// All contacts.
    pub fn contacts(&self) -> Result<Vec<Contact>> {
        self.store.0.read(|reader| {
            Ok(contacts::all(reader)?
                .iter()
                .map(Contact::from_engine)
                .collect())
        })
    }

    /// The contact of an address.
    pub fn contact(&self, address: String) -> Result<Contact> {
        let identity = PublicIdentity::from_address(&address)?;
        self.store.0.read(|reader| {
            let contact = contacts::find(reader, &identity)?;
            contact
                .map(|contact| Contact::from_engine(&contact))
                .ok_or(WindlassError::UnknownContact)
        })
    }

    /// The user wants to talk with somebody who wrote first, or who was blocked. They get the receipts that waited for it. Writing
    /// to somebody accepts them too.
    pub fn accept_contact(&self, address: String) -> Result<Contact> {
        self.decide(address, |writer, contact, moment| {
            trust::accept(writer, &self.device, contact, moment)
        })
    }

    /// The user does not want to hear of them any more: nothing of theirs is taken in, and nothing is sent to them. The history
    /// stays.
    pub fn block_contact(&self, address: String) -> Result<Contact> {
        self.decide(address, |writer, contact, _| trust::block(writer, contact))
    }

    /// Deletes a contact, the conversation and the sessions. After the next shred nothing of it can be read.
    pub fn remove_contact(&self, address: String) -> Result<()> {
        let identity = PublicIdentity::from_address(&address)?;
        self.write(|writer, _| {
            let contact = contacts::find(writer, &identity)?;
            trust::erase(writer, &mut contact.ok_or(WindlassError::UnknownContact)?)
        })
    }

    /// To whom anything is sent; kept in the store.
    pub fn trust_policy(&self) -> Result<TrustPolicy> {
        self.store.0.read(trust::policy)
    }

    /// Sets to whom anything is sent.
    pub fn set_trust_policy(&self, policy: TrustPolicy) -> Result<()> {
        self.write(|writer, _| trust::set_policy(writer, policy))
    }
}

impl Client {
    /// Changes what we think of a contact, here and on our other devices.
    pub(in crate::api) fn decide(
        &self,
        address: String,
        change: impl FnOnce(
            &mut Writer<'_>,
            &mut contacts::Contact,
            &mut crate::api::engine::Moment,
        ) -> Result<()>,
    ) -> Result<Contact> {
        let identity = PublicIdentity::from_address(&address)?;
        self.write(|writer, moment| {
            let mut contact =
                contacts::find(writer, &identity)?.ok_or(WindlassError::UnknownContact)?;
            change(writer, &mut contact, moment)?;
            updates::share_contact(writer, &self.device, &contact, moment)?;
            Ok(Contact::from_engine(&contact))
        })
    }
}
