//! Which of somebody's devices an envelope is for, and in which sessions (RFC windlass §8.1, §8.2).

use crate::engine::base::clock::Clock;
use crate::engine::base::device::Device;
use crate::engine::base::error::EngineError;
use crate::engine::records::own_devices::{self, Sibling};
use crate::engine::records::{contacts, sessions};
use crate::identity::PublicIdentity;
use crate::session::{HintKey, PostQuantum, Session};
use crate::store::Rows;
use crate::x3dh::Party;

/// Which devices of a person, and how each is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recipients {
    devices: Devices,
    session: SessionChoice,
    /// Whether the device may not have been able to read it before.
    resend: bool,
    /// When the other end of the session has to have been known to be that device, and what the time is now.
    known_by: Option<(u64, u64)>,
    /// Whether it is a request for healing, which proves what it can and may go where nothing else does.
    asks: bool,
    /// Whether the session has to withstand a quantum computer.
    protected: bool,
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
    /// One that was begun for a request and that nobody has answered yet, or is begun for this.
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
        known_by: None,
        asks: false,
        protected: false,
    };

    /// One device, in its active session.
    pub(crate) const fn one(device_id: u32) -> Self {
        Self {
            devices: Devices::One(device_id),
            ..Self::ALL
        }
    }

    /// Whether something goes to all devices for the first time.
    pub(crate) const fn is_new_to_all(self) -> bool {
        matches!(self.devices, Devices::All) && !self.resend && !self.asks
    }

    /// One of the devices, in the same way.
    pub(crate) const fn only(self, device_id: u32) -> Self {
        Self {
            devices: Devices::One(device_id),
            ..self
        }
    }

    /// The same devices, for a request for healing.
    pub(crate) const fn to_ask(self) -> Self {
        Self { asks: true, ..self }
    }

    /// The same devices, for a request in sessions that nobody has answered yet: they may have lost those that there are.
    pub(crate) const fn in_unanswered_session(self) -> Self {
        Self {
            session: SessionChoice::Unanswered,
            asks: true,
            ..self
        }
    }

    /// The same devices, for a request in sessions that are begun for this.
    pub(crate) const fn in_new_session(self) -> Self {
        Self {
            session: SessionChoice::New,
            asks: true,
            ..self
        }
    }

    /// The same devices, for something that they may not have been able to read before.
    pub(crate) const fn again(self) -> Self {
        Self {
            resend: true,
            ..self
        }
    }

    /// The same devices, for what was written to them at a time: whoever took the name of one later does not get it (RFC windlass §8.4.12).
    pub(crate) const fn known_by(self, time: u64, now: u64) -> Self {
        Self {
            known_by: Some((time, now)),
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

    /// The same devices, in sessions that withstand a quantum computer, if that is asked for.
    pub(crate) const fn protected(self, is_asked_for: bool) -> Self {
        Self {
            protected: is_asked_for,
            ..self
        }
    }

    /// Whether only sessions do that withstand a quantum computer.
    pub(crate) fn is_protected(self) -> bool {
        self.protected
    }

    /// Whether it is a request for healing.
    pub(crate) fn asks(self) -> bool {
        self.asks
    }

    /// Tells of a device whether it is one of them that is known since a time.
    pub(crate) fn suited(self, store: &dyn Rows) -> Result<impl Fn(u64) -> bool, EngineError> {
        let known_by = match self.known_by {
            Some((by, now)) => Some((by, Clock::read(store, now)?)),
            None => None,
        };
        Ok(move |known_since| {
            let mut known_by = known_by.iter();
            known_by.all(|(by, clock)| clock.was_by(known_since, *by))
        })
    }

    /// The session to use with a device; nothing if one is to be begun.
    pub(crate) fn choose(
        self,
        store: &dyn Rows,
        peer: &Party,
    ) -> Result<Option<Session>, EngineError> {
        let suits = self.suited(store)?;
        let active = |session: &Session| {
            (self.asks || !session.is_probe())
                && (!self.protected || session.post_quantum() != PostQuantum::None)
                && suits(session.known_since())
        };
        match self.session {
            SessionChoice::Active => sessions::find(store, peer, active),
            SessionChoice::Unanswered => sessions::find(store, peer, |session| {
                session.is_probe() && suits(session.known_since())
            }),
            SessionChoice::New => Ok(None),
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
