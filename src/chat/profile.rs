//! What people say of themselves to those they accepted (RFC windlass §9.8).

use core::fmt;

use super::bounds::{ContentError, fits};
use super::names::{IdentityKey, MessageId};
use super::picture::Picture;
use crate::crypto::{labels, sha256};
use crate::limits::{MAX_ABOUT_LEN, MAX_CHAT_NAME_LEN};
use crate::text;
use crate::wire::{WireError, malformed, v2};

/// What somebody says of themselves.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Their name; empty for none.
    pub name: String,
    /// Some lines; empty for nothing.
    pub about: String,
    /// A picture, or none.
    pub picture: Picture,
    /// When it was set, in milliseconds, by the clock of a device of theirs.
    pub changed_at: u64,
}

impl Profile {
    /// Whether it is within its bounds, and nothing of it breaks out of where it is shown.
    pub fn check(&self) -> Result<(), ContentError> {
        fits("name", self.name.len(), MAX_CHAT_NAME_LEN)?;
        fits("text about oneself", self.about.len(), MAX_ABOUT_LEN)?;
        if !self.name.is_empty() && !text::is_name(&self.name) {
            return Err(ContentError::Invalid("name"));
        }
        if !self.about.is_empty() && !text::is_description(&self.about) {
            return Err(ContentError::Invalid("text about oneself"));
        }
        Ok(())
    }

    /// True if it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.says() == Self::default().says()
    }

    /// What it says, apart from when.
    #[must_use]
    pub fn says(&self) -> (&str, &str, &[u8]) {
        (&self.name, &self.about, self.picture.as_bytes())
    }

    /// The id of the content that brings somebody's profile of a date: the same to everybody and each time, so that a receipt says which one they
    /// have.
    #[must_use]
    pub fn message_id(author: &IdentityKey, changed_at: u64) -> MessageId {
        let mark = mark(author);
        MessageId::joined(mark, changed_at.to_be_bytes())
    }

    /// The date of the profile of this author that an id is of.
    #[must_use]
    pub fn date_of(author: &IdentityKey, id: &MessageId) -> Option<u64> {
        let (begin, date) = id.halves();
        (begin == mark(author)).then(|| u64::from_be_bytes(date))
    }

    pub(super) fn from_wire(profile: v2::Profile) -> Result<Self, WireError> {
        let profile = Self {
            name: profile.name,
            about: profile.about,
            picture: Picture::from_bytes(profile.picture)?,
            changed_at: profile.changed_at,
        };
        profile.check().map_err(|_| malformed("profile"))?;
        Ok(profile)
    }

    pub(super) fn to_wire(&self) -> v2::Profile {
        v2::Profile {
            name: self.name.clone(),
            about: self.about.clone(),
            picture: self.picture.as_bytes().to_vec(),
            changed_at: self.changed_at,
        }
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("picture", &self.picture)
            .field("changed_at", &self.changed_at)
            .finish_non_exhaustive()
    }
}

/// What ids of an author's profiles begin with.
fn mark(author: &IdentityKey) -> [u8; 8] {
    let mut mark = [0; 8];
    for (to, from) in mark.iter_mut().zip(sha256(&[labels::PROFILE_ID, author])) {
        *to = from;
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_which_profile_of_whom_it_was() {
        let (one, other) = ([1; 32], [2; 32]);
        let id = Profile::message_id(&one, 77);
        assert_eq!(Profile::date_of(&one, &id), Some(77));
        assert_eq!(Profile::date_of(&other, &id), None);
        assert_ne!(id, Profile::message_id(&one, 78));
    }

    #[test]
    fn a_profile_is_bounded_and_prints_nothing() {
        let with = |name: &str, about: &str| {
            let profile = Profile {
                name: name.into(),
                about: about.into(),
                ..Profile::default()
            };
            profile.check()
        };
        assert_eq!(with("", ""), Ok(()));
        assert_eq!(with("Ann", "two\nlines"), Ok(()));
        assert_eq!(with(&"x".repeat(MAX_CHAT_NAME_LEN), ""), Ok(()));
        for (name, about) in [
            ("a\nb", ""),
            (" ", ""),
            ("\u{202e}nnA", ""),
            ("", "\u{1b}[2J"),
            ("", "\n"),
        ] {
            assert!(with(name, about).is_err(), "{name:?} {about:?}");
        }
        assert!(with(&"x".repeat(MAX_CHAT_NAME_LEN + 1), "").is_err());
        assert!(with("", &"x".repeat(MAX_ABOUT_LEN + 1)).is_err());
        let profile = Profile {
            name: "Ann".into(),
            ..Profile::default()
        };
        assert!(!format!("{profile:?}").contains("Ann"));
    }
}
