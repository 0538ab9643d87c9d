//! `DeviceLink`: the new device's side of linking, and what the user compares on both.

use std::sync::Arc;

use super::verification::{SafetyEmoji, pictures};
use super::{Client, EncryptedStore, Result};
use crate::engine::records::joining;
use crate::engine::steps::join;
use crate::link::{Agreed, LinkAnswer, LinkError, transfer_from_uri};

/// What both devices show before anything secret leaves. If they show the same nobody is between them; then, and only then, the user
/// confirms on the device that is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct LinkCheck {
    /// The address of the identity that the new device is to take part in.
    pub address: String,
    /// Eight digits, in two groups of four.
    pub digits: String,
    /// The same digits as four pictures.
    pub emoji: Vec<SafetyEmoji>,
}

impl LinkCheck {
    pub(super) fn of(agreed: &Agreed) -> Self {
        let digits = agreed.digits();
        let emoji = pictures(&digits);
        let (first, second) = digits.split_at_checked(4).unwrap_or_default();
        Self {
            address: agreed.identity().address(),
            digits: format!("{first} {second}"),
            emoji,
        }
    }
}

/// The new device's side of linking. It shows a code, and reads what a device that is there answers (`Client.link_device`); both show the
/// same `LinkCheck`, and it shows a second code; once the user confirmed there (`Client.confirm_link`) it reads the transfer, and is one
/// of the same identity. Kept in the store for a day, so the application may stop meanwhile.
#[derive(Debug)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Object))]
pub struct DeviceLink {
    store: Arc<EncryptedStore>,
    code: String,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl DeviceLink {
    /// Begins in a new store, or goes on with what was begun there.
    #[cfg_attr(feature = "uniffi", uniffi::constructor)]
    pub fn new(store: Arc<EncryptedStore>) -> Result<Arc<Self>> {
        let (now, mut rng) = (store.0.now(), store.0.random()?);
        let code = store.0.write(|rows| join::begin(rows, now, &mut rng))?;
        let code = code.to_uri();
        Ok(Arc::new(Self { store, code }))
    }

    /// The first code, a URI of 68 characters for `qr_svg` and its like. Whoever sees it learns nothing.
    #[must_use]
    pub fn to_uri(&self) -> String {
        self.code.clone()
    }

    /// Takes what the other device answered to the code. One answer alone: whoever gives a second may have seen what the first one
    /// was shown.
    pub fn take_answer(&self, answer: String) -> Result<LinkCheck> {
        let answer = LinkAnswer::from_uri(&answer)?;
        let now = self.store.0.now();
        let agreed = self
            .store
            .0
            .write(|rows| join::take_answer(rows, answer, now))?;
        Ok(LinkCheck::of(&agreed))
    }

    /// What to compare, once there is an answer; nothing before.
    pub fn check(&self) -> Result<Option<LinkCheck>> {
        let now = self.store.0.now();
        let answered = self.store.0.read(|rows| join::answered(rows, now))?;
        Ok(answered.map(|(_, agreed)| LinkCheck::of(&agreed)))
    }

    /// The second code, to be shown with the check: `Client.check_link` takes it.
    pub fn reply(&self) -> Result<String> {
        let now = self.store.0.now();
        let answered = self.store.0.read(|rows| join::answered(rows, now))?;
        let (reply, _) = answered.ok_or(LinkError::TooEarly)?;
        Ok(reply.to_uri())
    }

    /// Takes the transfer: this device is one of the identity of the check then, which the user has seen. Contacts and history come from
    /// the other devices: their answers to the request that is in the outbox then.
    pub fn finish(&self, transfer: String) -> Result<Arc<Client>> {
        let transfer = transfer_from_uri(&transfer)?;
        let (now, mut rng) = (self.store.0.now(), self.store.0.random()?);
        let finished = self
            .store
            .0
            .write(|rows| join::finish(rows, &transfer, now, &mut rng));
        let device = finished?;
        Ok(Arc::new(Client::of(Arc::clone(&self.store), device)))
    }

    /// Ends it: the key is erased, and no transfer to it opens any more.
    pub fn cancel(&self) -> Result<()> {
        Ok(self.store.0.write(|rows| joining::erase(rows))?)
    }
}
