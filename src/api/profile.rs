//! `Profile`: what people say of themselves to those they accepted.

use core::fmt;

use super::{Bytes, Client, Result, WindlassError};
use crate::chat::{self, ChatSettingKind, ContentError, Picture};
use crate::engine::base::error::EngineError;
use crate::engine::records::conversations::ConversationId;
use crate::engine::records::{chat_settings, contacts, groups, profiles};
use crate::engine::sync;
use crate::identity::PublicIdentity;
use crate::store::Rows;

/// What somebody says of themselves. Of a contact it is a stranger's word: it proves nothing, and a name may be another's.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Profile {
    /// Their name, one line of at most 256 bytes; empty for none.
    pub name: String,
    /// Some lines of at most 1,024 bytes; empty for nothing.
    pub about: String,
    /// A file of PNG, JPEG or WebP, of at most 16,384 bytes.
    pub picture: Option<Bytes>,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let picture = self.picture.as_ref().map(|picture| picture.len());
        f.debug_struct("Profile")
            .field("picture", &picture)
            .finish_non_exhaustive()
    }
}

impl Profile {
    fn shown(profile: chat::Profile) -> Option<Self> {
        let picture = profile.picture.as_bytes();
        (!profile.is_empty()).then(|| Self {
            picture: (!picture.is_empty()).then(|| picture.into()),
            name: profile.name,
            about: profile.about,
        })
    }

    fn given(self) -> Result<chat::Profile> {
        let picture = self.picture.unwrap_or_default().into_vec();
        let picture = Picture::from_bytes(picture).map_err(|_| ContentError::Invalid("picture"))?;
        Ok(chat::Profile {
            name: self.name.trim().to_owned(),
            about: self.about.trim().to_owned(),
            picture,
            changed_at: 0,
        })
    }
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// What we say of ourselves; nothing as long as nothing was set.
    pub fn profile(&self) -> Result<Option<Profile>> {
        self.profile_of(self.address())
    }

    /// Says something of ourselves, on all our devices. The contacts whom we accepted hear of it with what goes to them next, or by
    /// `maintain`, and nobody else: neither who waits to be accepted, nor members of groups, nor who reads an invitation. An empty one
    /// takes it back.
    pub fn set_profile(&self, profile: Profile) -> Result<()> {
        let profile = profile.given()?;
        self.write(|step| {
            sync::profiles::set(step, profile.clone())?;
            Ok::<_, WindlassError>(())
        })
    }

    /// What a contact says of themselves; nothing if they said nothing. It goes when they are blocked or removed.
    pub fn profile_of(&self, address: String) -> Result<Option<Profile>> {
        let who = PublicIdentity::from_address(&address)?;
        self.read(|rows| Ok(profiles::of(rows, &who)?.and_then(Profile::shown)))
    }

    /// By what to show somebody, or a group: the user's own name for them; else the name that they, or the group, gave themselves; else
    /// the address. What others wrote is never like an address.
    pub fn display_name(&self, address: String) -> Result<String> {
        self.read(|rows| name_of(rows, &address))
    }
}

fn name_of(rows: &dyn Rows, address: &str) -> Result<String> {
    let id = ConversationId::from_address(address)?;
    let given = match &id {
        ConversationId::Group(group) => groups::listed(rows, group)?.name().to_owned(),
        ConversationId::Direct(who) => {
            if contacts::find(rows, who)?.is_none() {
                return Err(EngineError::UnknownContact.into());
            }
            profiles::of(rows, who)?.unwrap_or_default().name
        }
    };
    let settings = chat_settings::of(rows, &id)?;
    let mut own = settings.into_iter();
    let own = own.find(|one| one.kind == ChatSettingKind::Name && !one.text.is_empty());
    let is_address = ConversationId::from_address(&given).is_ok();
    let given = Some(given).filter(|name| !name.is_empty() && !is_address);
    Ok(own
        .map(|one| one.text)
        .or(given)
        .unwrap_or_else(|| id.address()))
}
