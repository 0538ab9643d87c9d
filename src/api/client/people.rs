//! Contacts, and whom we answer.

use super::Client;
use crate::api::{Bundle, Contact, Result, TrustPolicy, WindlassError};
use crate::bundle::Invitation;
use crate::engine::base::error::EngineError;
use crate::engine::base::step::Step;
use crate::engine::records::{contacts, own_bundle, settings, trust};
use crate::engine::steps::write;
use crate::engine::sync::{group_deletion, people, updates};
use crate::identity::PublicIdentity;

exported! {
impl Client {
    /// A page of the contacts in the order in which they came: the first, or those behind the `position` of one that was read; at most
    /// `limit`. What it costs does not grow with the number of contacts.
    #[uniffi::method(default(limit = 50, after = 0))]
    pub fn contact_page(&self, limit: u32, after: u64) -> Result<Vec<Contact>> {
        self.read(|reader| {
            let page = contacts::page(reader, after, limit as usize)?;
            Ok(page.iter().map(Contact::from_engine).collect())
        })
    }
}
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Adds a contact, or takes in a newer bundle of one. An older bundle than the known one changes nothing.
    pub fn add_contact(&self, bundle: &Bundle) -> Result<Contact> {
        self.write(|step| {
            let contact = people::add(step, &bundle.0)?;
            updates::share_contact(step, &contact)?;
            Ok(Contact::from_engine(&contact))
        })
    }

    /// A code to show to somebody who stands in front of us: a single-use invitation that says so. Made anew for each person; draw it
    /// with `qr_svg` and its like, and never send it.
    pub fn in_person_code(&self) -> Result<String> {
        self.write(|step| Ok(own_bundle::single_use(step)?.to_uri_in_person()))
    }

    /// Adds the person whose in-person code was scanned from their own screen, and marks them verified. To be called with what the
    /// camera saw, never with a text that was sent: its sender would be taken for the person in front of the user.
    pub fn meet(&self, code: String) -> Result<Contact> {
        let Invitation { bundle, in_person } =
            Invitation::from_uri(&code).map_err(WindlassError::from)?;
        if !in_person {
            return Err(WindlassError::NotInPerson);
        }
        self.write(|step| {
            let mut contact = people::add(step, &bundle)?;
            people::verify(step.rows, &mut contact)?;
            updates::share_contact(step, &contact)?;
            Ok(Contact::from_engine(&contact))
        })
    }

    /// Tells all accepted contacts that we go on as the identity of this bundle, in messages of their conversations; how many they
    /// are. For who begins anew after a theft, or unites two identities. They have to verify the new identity anew.
    pub fn announce_identity(&self, bundle: &Bundle) -> Result<u32> {
        self.write(|step| Ok(write::announce_identity(step, &bundle.0)?))
    }

    /// All contacts: `contact_page` reads so many at a time.
    pub fn contacts(&self) -> Result<Vec<Contact>> {
        self.read(|reader| {
            Ok(contacts::all(reader)?
                .iter()
                .map(Contact::from_engine)
                .collect())
        })
    }

    /// The contact of an address.
    pub fn contact(&self, address: String) -> Result<Contact> {
        let identity = PublicIdentity::from_address(&address)?;
        self.read(|reader| {
            let contact = contacts::find(reader, &identity)?;
            contact
                .map(|contact| Contact::from_engine(&contact))
                .ok_or_else(|| self.unknown(&identity))
        })
    }

    /// The user wants to talk with somebody who wrote first, or who was blocked. They get the receipts that waited for it. Writing
    /// to somebody accepts them too.
    pub fn accept_contact(&self, address: String) -> Result<Contact> {
        self.decide(address, people::accept)
    }

    /// The user blocks them: nothing of theirs is accepted, and nothing is sent to them, but what
    /// happens in groups. The history stays; groups that they invited us to and that we have not joined go.
    pub fn block_contact(&self, address: String) -> Result<Contact> {
        self.decide(address, |step, contact| {
            group_deletion::forget_invitations(step, &contact.identity)?;
            people::block(step.rows, contact)
        })
    }

    /// Deletes a contact, the conversation and the sessions, on all our devices. After the next shred nothing of it can be read, and
    /// nothing of it comes back. Whoever writes again is a stranger. Who wrote first and was not accepted is not heard for 30 days, unless
    /// invited again; who was blocked stays so until added.
    pub fn remove_contact(&self, address: String) -> Result<()> {
        self.removed(&address, people::remove)
    }

    /// Deletes a contact and the sessions, as `remove_contact` does, and keeps the conversation to be read.
    pub fn remove_contact_only(&self, address: String) -> Result<()> {
        self.removed(&address, people::remove_keeping)
    }

    /// To whom anything is sent; kept in the store.
    pub fn trust_policy(&self) -> Result<TrustPolicy> {
        self.read(|rows| Ok(trust::policy(rows)?))
    }

    /// Whether what the user says waits until a session withstands a quantum computer; kept in the store.
    pub fn requires_post_quantum(&self) -> Result<bool> {
        self.read(|rows| Ok(settings::row(rows)?.require_post_quantum))
    }

    /// Sets whether what the user says waits, for each device of a contact, until a session with it withstands a quantum computer. Somebody
    /// whose code was on a poster is asked first; their device's answer brings that, and what waits follows.
    pub fn set_requires_post_quantum(&self, requires: bool) -> Result<()> {
        self.write(|step| {
            let mut row = settings::row(step.rows)?;
            row.require_post_quantum = requires;
            Ok(settings::save(step.rows, &row)?)
        })
    }

    /// Sets to whom anything is sent.
    pub fn set_trust_policy(&self, policy: TrustPolicy) -> Result<()> {
        self.write(|step| Ok(trust::set_policy(step.rows, policy)?))
    }
}

impl Client {
    /// Why there is no contact of an identity.
    fn unknown(&self, identity: &PublicIdentity) -> WindlassError {
        if *identity == self.device.public() {
            WindlassError::OwnAddress
        } else {
            WindlassError::UnknownContact
        }
    }

    fn removed(
        &self,
        address: &str,
        remove: impl Fn(&mut Step<'_>, &mut contacts::Contact) -> core::result::Result<(), EngineError>,
    ) -> Result<()> {
        let identity = PublicIdentity::from_address(address)?;
        self.write(|step| {
            let contact = contacts::find(step.rows, &identity)?;
            let mut contact = contact.ok_or_else(|| self.unknown(&identity))?;
            group_deletion::forget_invitations(step, &identity)?;
            Ok(remove(step, &mut contact)?)
        })
    }

    /// Changes what we think of a contact, here and on our other devices.
    pub(in crate::api) fn decide(
        &self,
        address: String,
        mut change: impl FnMut(
            &mut Step<'_>,
            &mut contacts::Contact,
        ) -> core::result::Result<(), EngineError>,
    ) -> Result<Contact> {
        let identity = PublicIdentity::from_address(&address)?;
        self.write(|step| {
            let mut contact =
                contacts::find(step.rows, &identity)?.ok_or_else(|| self.unknown(&identity))?;
            change(step, &mut contact)?;
            updates::share_contact(step, &contact)?;
            Ok(Contact::from_engine(&contact))
        })
    }
}
