//! Contacts, and whom we answer.

use super::Client;
use crate::api::engine::{contacts, devices, trust};
use crate::api::{Bundle, Contact, Result, TrustPolicy, WindlassError};
use crate::identity::PublicIdentity;
use crate::store::Writer;

#[uniffi::export]
impl Client {
    /// Adds a contact, or takes in a newer bundle of one. An older bundle than the known one changes nothing.
    pub fn add_contact(&self, bundle: &Bundle) -> Result<Contact> {
        self.write(|writer, moment| {
            let contact = contacts::add(writer, &self.device, &bundle.0, moment)?;
            devices::share_contact(writer, &self.device, &contact, moment)?;
            Ok(Contact::from_engine(&contact))
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
        self.store.0.read(|reader| trust::policy(reader))
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
            devices::share_contact(writer, &self.device, &contact, moment)?;
            Ok(Contact::from_engine(&contact))
        })
    }
}
