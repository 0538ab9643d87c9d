//! Which of somebody's devices an envelope is for, and in which sessions (RFC windlass §8.1, §8.2).

use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::records::contacts;
use crate::engine::records::own_devices::{self, Sibling};
use crate::identity::PublicIdentity;
use crate::session::{HintKey, Session};
use crate::store::Rows;
use crate::x3dh::Party;

/// Which devices of a person, and how each is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recipients {
    devices: Devices,
    session: SessionChoice,
    /// Whether the device may not have been able to read it before.
    resend: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Devices {
    All,
    One(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionChoice {
    /// The active one.
    Active,
    /// One that nobody has answered yet: it was begun lately, or is begun for this.
    Unanswered,
    /// One that is begun for this.
    New,
}

impl Recipients {
    /// Every device, each in its active session.
    pub(crate) const ALL: Self = Self {
        devices: Devices::All,
        session: SessionChoice::Active,
        resend: false,
    };

    /// One device, in its active session.
    pub(crate) const fn one(device_id: u32) -> Self {
        Self {
            devices: Devices::One(device_id),
            ..Self::ALL
        }
    }

    /// The same devices, in sessions that nobody has answered yet: they may have lost those that there are.
    pub(crate) const fn in_unanswered_session(self) -> Self {
        Self {
            session: SessionChoice::Unanswered,
            ..self
        }
    }

    /// The same devices, in sessions that are begun for this.
    pub(crate) const fn in_new_session(self) -> Self {
        Self {
            session: SessionChoice::New,
            ..self
        }
    }

    /// The same devices, for something that they may not have been able to read. A session that was begun with a one-time prekey and is
    /// not answered yet is left: somebody else may have used the invitation before (RFC windlass §8.2.4).
    pub(crate) const fn again(self) -> Self {
        Self {
            resend: true,
            ..self
        }
    }

    /// Whether a device is among them.
    pub(crate) fn includes(self, device_id: u32) -> bool {
        match self.devices {
            Devices::All => true,
            Devices::One(one) => one == device_id,
        }
    }

    /// Whether the device may not have been able to read it before, nor the bundle that came with it.
    pub(crate) fn is_resend(self) -> bool {
        self.resend
    }

    /// The session to use, of the one that is active; nothing if one is to be begun.
    pub(crate) fn choose(self, active: Option<Session>) -> Option<Session> {
        let usable = active.filter(|session| !self.resend || !session.awaits_one_time_prekey());
        match self.session {
            SessionChoice::Active => usable,
            SessionChoice::Unanswered => usable.filter(Session::is_pending),
            SessionChoice::New => None,
        }
    }
}

/// The devices of an identity, without this one.
pub(crate) fn devices_of(
    store: &dyn Rows,
    device: &Device,
    identity: &PublicIdentity,
) -> Result<Vec<Party>, EngineError> {
    if *identity != device.public() {
        let contact = contacts::find(store, identity)?;
        return Ok(contact.map(|contact| contact.parties()).unwrap_or_default());
    }
    let party = |sibling: &Sibling| Party {
        identity: *identity,
        device_id: sibling.row.device_id,
    };
    Ok(own_devices::siblings(store)?.iter().map(party).collect())
}

/// The key of the hints between devices of one identity.
pub(crate) fn own_hint_key(device: &Device) -> Result<HintKey, EngineError> {
    HintKey::between(&device.identity, &device.public()).map_err(|_| EngineError::InvalidKey)
}
