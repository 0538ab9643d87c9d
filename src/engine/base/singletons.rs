//! The rows of which a store has one, all in `Table::Device`: what each is, and which file reads and writes it.

use crate::store::Key;

/// Identity and number of this device: `base/device.rs`.
pub(crate) const DEVICE: Key<'static> = Key::new(b"device");
/// What the user decided for the whole client: `records/settings.rs`.
pub(crate) const SETTINGS: Key<'static> = Key::new(b"settings");
/// The reusable bundle that is given out: `records/prekeys.rs`.
pub(crate) const OWN_BUNDLE: Key<'static> = Key::new(b"own bundle");
/// The device that this one is linking: `records/linking.rs`.
pub(crate) const LINKING: Key<'static> = Key::new(b"linking");
/// This device, while another one links it: `records/joining.rs`.
pub(crate) const JOINING: Key<'static> = Key::new(b"joining");
/// The device that was linked last: `records/linking.rs`.
pub(crate) const PENDING_LINK: Key<'static> = Key::new(b"pending link");
/// The key by which we know our own words: `records/own_words.rs`.
pub(crate) const OWN_WORDS: Key<'static> = Key::new(b"own words");
/// What this device's clock did: `base/clock.rs`.
pub(crate) const CLOCK: Key<'static> = Key::new(b"clock");
/// By what the names of removed people are hashed: `records/removed.rs`.
pub(crate) const REMOVED: Key<'static> = Key::new(b"removed");
/// What all strangers together cost: `records/strangers.rs`.
pub(crate) const STRANGERS: Key<'static> = Key::new(b"strangers");
/// How much the documents of a program are: `records/states.rs`.
pub(crate) const STATES: Key<'static> = Key::new(b"states");
/// Whether events are kept, and which of them were dropped: `sync/feed/mod.rs`.
pub(crate) const FEED: Key<'static> = Key::new(b"feed");
/// How far contacts were told of the user's profile: `records/profiles.rs`.
pub(crate) const PROFILE_ROUND: Key<'static> = Key::new(b"profile round");
/// Links to groups that this device made: `records/group_links.rs`.
pub(crate) const GROUP_LINKS: Key<'static> = Key::new(b"group links");
/// Groups that the user asked to be let into: `records/group_joins.rs`.
pub(crate) const GROUP_JOINS: Key<'static> = Key::new(b"group joins");
/// What this device's healing keys are made of: `records/healing_root.rs`.
pub(crate) const HEALING_ROOT: Key<'static> = Key::new(b"healing root");
