//! The logical tables, and the keys of their rows.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::crypto::{Secret, hmac_sha256};

/// What a row belongs to. All tables share one redb table, so that a commit writes the path to one root.
///
/// The numbers are the order in the file. Nearly every step changes a row at the end of what is unhandled or of the feed, the header and the census,
/// which are the store's own with 3, and one of the outbox and of what is unacknowledged: they stand side by side, in one page as long as little
/// waits and there are few conversations. A session stands behind the numbers that it accepted, of which the last is written with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    /// The device itself.
    Device = 18,
    /// Signed prekeys.
    SignedPrekeys = 16,
    /// One-time prekeys.
    OneTimePrekeys = 13,
    /// Handshakes that were accepted, grouped by signed prekey.
    Handshakes = 22,
    /// Contacts.
    Contacts = 25,
    /// The list of sessions of each remote device.
    Archives = 29,
    /// Sessions.
    Sessions = 10,
    /// Skipped message keys, grouped by session.
    SkippedKeys = 8,
    /// Message numbers that were used, grouped by session.
    Accepted = 9,
    /// Conversations.
    Conversations = 7,
    /// Messages.
    Messages = 11,
    /// The order of messages, grouped by conversation.
    Timeline = 12,
    /// Envelopes that wait for the transport.
    Outbox = 4,
    /// Messages that disappear, by when.
    Expiries = 14,
    /// Other devices of our identity.
    OwnDevices = 15,
    /// Messages that a device has not acknowledged, grouped by device.
    Unacknowledged = 5,
    /// How it stands with those whose messages cannot be read.
    Healing = 17,
    /// Messages that the application has not handled, in the order they came.
    Unhandled = 1,
    /// What messages say of another, grouped by that other.
    Annotations = 19,
    /// Groups.
    Groups = 20,
    /// Sessions with skipped keys, by when these are too old.
    SkippedAges = 21,
    /// The last number of each sequence, where the engine keeps them in rows. It is the store's own.
    Sequences = 6,
    /// What outlives conversations that were deleted.
    Floors = 23,
    /// Events that were told, in their order, until the application says that it has handled them.
    Feed = 2,
    /// People who wait to be accepted, by since when, grouped by what they wait as.
    Waiting = 26,
    /// People who were removed and are not to ask again by themselves, under salted hashes.
    Removed = 27,
    /// What is said of messages that have not come, grouped by conversation and author.
    EarlyAnnotations = 28,
    /// How members see a group, and what of it is missing.
    GroupViews = 30,
    /// What this device and another gave each other beside contents.
    Pairs = 24,
    /// Who has a message that we wrote, grouped by message.
    Delivered = 31,
    /// The events of groups, in the order they came, grouped by group.
    GroupEvents = 32,
    /// Who belonged to a group and does not any more, grouped by group.
    FormerMembers = 33,
    /// What devices asked for and were not sent yet, in its turn, grouped by device.
    Asked = 34,
    /// Messages of groups that came before what they build on, grouped by group.
    Held = 35,
    /// The conversations in the order in which something happened in them last.
    Listed = 36,
    /// The contacts, in the order in which they came.
    ContactList = 37,
    /// To which session each chain belongs that can come.
    ChainTags = 40,
    /// Small documents that a program keeps, grouped by what they are about.
    States = 41,
    /// What the user set for conversations.
    ChatSettings = 42,
    /// What people say of themselves.
    Profiles = 45,
    /// Which messages put another to the top, grouped by conversation.
    Pins = 46,
    /// What the user wrote to be sent at a time, grouped by conversation.
    Scheduled = 47,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 42] = [
        Self::Device,
        Self::SignedPrekeys,
        Self::OneTimePrekeys,
        Self::Handshakes,
        Self::Contacts,
        Self::Archives,
        Self::Sessions,
        Self::SkippedKeys,
        Self::Accepted,
        Self::Conversations,
        Self::Messages,
        Self::Timeline,
        Self::Outbox,
        Self::Expiries,
        Self::OwnDevices,
        Self::Unacknowledged,
        Self::Healing,
        Self::Unhandled,
        Self::Annotations,
        Self::Groups,
        Self::SkippedAges,
        Self::Sequences,
        Self::Floors,
        Self::Feed,
        Self::Waiting,
        Self::Removed,
        Self::EarlyAnnotations,
        Self::GroupViews,
        Self::Pairs,
        Self::Delivered,
        Self::GroupEvents,
        Self::FormerMembers,
        Self::Asked,
        Self::Held,
        Self::Listed,
        Self::ContactList,
        Self::ChainTags,
        Self::States,
        Self::ChatSettings,
        Self::Profiles,
        Self::Pins,
        Self::Scheduled,
    ];

    /// The byte that tells its rows from others of their place and group. Never 0 nor 3, which are the store's own.
    #[must_use]
    pub const fn tag(self) -> u8 {
        self as u8
    }

    /// The place in the file, which the keys of its rows begin with: of a table that is looked up by the same groups and in the same step
    /// as another it is the other's tag, so that their rows of one group stand next to each other, and in one bucket.
    ///
    /// Only of tables whose groups stay small, since all of a group is sealed anew when one row of it died; and of none that is gone through
    /// again and again.
    const fn place(self) -> u8 {
        match self {
            Self::Accepted | Self::Sessions => Self::SkippedKeys.tag(),
            Self::Annotations | Self::Delivered => Self::Messages.tag(),
            alone => alone.tag(),
        }
    }

    /// The tables whose rows stand in a place.
    fn of_place(place: u8) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |of| of.place() == place)
    }

    /// Every place, once.
    pub(super) fn places() -> impl Iterator<Item = u8> {
        let leads = Self::ALL.into_iter().filter(|of| of.place() == of.tag());
        leads.map(Self::tag)
    }

    /// The table of a row, by its physical key.
    pub(super) fn of_row(row: &[u8]) -> Option<Self> {
        let (place, tag) = (row.first()?, row.get(TAG_AT)?);
        Self::of_place(*place).find(|of| of.tag() == *tag)
    }

    /// Whether a row that is in its place is one of its own.
    pub(super) fn has(self, row: &[u8]) -> bool {
        row.get(TAG_AT) == Some(&self.tag())
    }

    /// Where its place begins, and what that is below.
    pub(super) const fn bounds(self) -> ([u8; 1], [u8; 1]) {
        ([self.place()], [self.place() + 1])
    }

    /// The name for errors and for `inspect`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::SignedPrekeys => "signed prekeys",
            Self::OneTimePrekeys => "one-time prekeys",
            Self::Handshakes => "handshakes",
            Self::Contacts => "contacts",
            Self::Archives => "archives",
            Self::Sessions => "sessions",
            Self::SkippedKeys => "skipped keys",
            Self::Accepted => "accepted",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::Timeline => "timeline",
            Self::Outbox => "outbox",
            Self::Expiries => "expiries",
            Self::OwnDevices => "own devices",
            Self::Unacknowledged => "unacknowledged",
            Self::Healing => "healing",
            Self::Unhandled => "unhandled",
            Self::Annotations => "annotations",
            Self::Groups => "groups",
            Self::SkippedAges => "ages of skipped keys",
            Self::Sequences => "sequences",
            Self::Floors => "floors",
            Self::Feed => "feed",
            Self::Waiting => "waiting",
            Self::Removed => "removed",
            Self::EarlyAnnotations => "early annotations",
            Self::GroupViews => "views of groups",
            Self::Pairs => "pairs",
            Self::Delivered => "delivered",
            Self::GroupEvents => "events of groups",
            Self::FormerMembers => "former members",
            Self::Asked => "asked",
            Self::Held => "held",
            Self::Listed => "listed",
            Self::ContactList => "list of contacts",
            Self::ChainTags => "chain tags",
            Self::States => "states",
            Self::ChatSettings => "chat settings",
            Self::Profiles => "profiles",
            Self::Pins => "pins",
            Self::Scheduled => "scheduled",
        }
    }
}

/// What finds a row: a group, which is hashed; bytes that order the rows of the group, which are not (they are counters, clocks and
/// random ids); and a name among rows of one order, which is hashed again. Whatever says who is in a group or a name.
#[derive(Debug, Clone, Copy)]
pub struct Key<'a> {
    pub(super) group: &'a [u8],
    pub(super) order: &'a [u8],
    pub(super) name: Option<&'a [u8]>,
}

impl<'a> Key<'a> {
    /// A row that is alone in its group.
    #[must_use]
    pub const fn new(group: &'a [u8]) -> Self {
        Self::ordered(group, &[])
    }

    /// A row among others of its group.
    #[must_use]
    pub const fn ordered(group: &'a [u8], order: &'a [u8]) -> Self {
        Self {
            group,
            order,
            name: None,
        }
    }

    /// A row among others of its group that may have the same order. A range gives the order with the hash of the name behind it, which
    /// finds the row again by [`Key::ordered`].
    #[must_use]
    pub const fn named(group: &'a [u8], order: &'a [u8], name: &'a [u8]) -> Self {
        Self {
            group,
            order,
            name: Some(name),
        }
    }
}

/// Where a physical key has its table's tag: behind the place and the hash of the group.
pub(super) const TAG_AT: usize = 17;

/// Length of what every physical key begins with: the place, the hash of the group and the table's tag.
pub(super) const PREFIX_LEN: usize = TAG_AT + 1;

/// Length of the hash of a row's name.
pub(super) const NAME_LEN: usize = 16;

/// The whole physical key of a row.
pub(super) fn physical(lookup_key: &Secret<32>, table: Table, key: Key<'_>) -> Vec<u8> {
    physical_behind(lookup_key, prefix(lookup_key, table, key.group), key)
}

/// The same, where it is known what the key begins with.
pub(super) fn physical_behind(
    lookup_key: &Secret<32>,
    prefix: [u8; PREFIX_LEN],
    key: Key<'_>,
) -> Vec<u8> {
    let mut row = Vec::with_capacity(PREFIX_LEN + key.order.len() + NAME_LEN);
    row.extend_from_slice(&prefix);
    let name = key
        .name
        // 0 is no table's place, so no group has this hash; and the prefix makes names of two groups differ.
        .map(|name| hmac_sha256(lookup_key.as_bytes(), &[&[0], &row, name]));
    row.extend_from_slice(key.order);
    if let Some(hash) = name {
        row.extend(hash.as_bytes().iter().take(NAME_LEN));
    }
    row
}

/// `place || HMAC(lookup key, place || group)[..16] || tag`. Its bytes 1 and 2 choose the bucket.
pub(super) fn prefix(lookup_key: &Secret<32>, table: Table, group: &[u8]) -> [u8; PREFIX_LEN] {
    let place = [table.place()];
    let hash = hmac_sha256(lookup_key.as_bytes(), &[&place, group]);
    let mut prefix = [table.tag(); PREFIX_LEN];
    let (head, _) = prefix.split_at_mut(TAG_AT);
    let from = place.iter().chain(hash.as_bytes());
    for (to, from) in head.iter_mut().zip(from) {
        *to = *from;
    }
    prefix
}

/// What the keys of the groups begin with that a step asked for last: it asks for the same few again and again.
#[derive(Default)]
pub(super) struct Prefixes {
    known: RefCell<VecDeque<Known>>,
}

/// A place, a group, and what the keys of a table begin with whose rows of this group stand there.
type Known = (u8, Vec<u8>, [u8; PREFIX_LEN]);

/// As many as a step of one message asks for, so that looking through them costs less than a hash.
const KNOWN_PREFIXES: usize = 32;

impl Prefixes {
    /// What [`prefix`] answers.
    pub(super) fn get(
        &self,
        lookup_key: &Secret<32>,
        table: Table,
        group: &[u8],
    ) -> [u8; PREFIX_LEN] {
        let mut known = self.known.borrow_mut();
        let same = |one: &&Known| one.0 == table.place() && one.1 == group;
        if let Some((_, _, known)) = known.iter().find(same) {
            let mut prefix = *known;
            let [.., tag] = &mut prefix;
            *tag = table.tag();
            return prefix;
        }
        let prefix = prefix(lookup_key, table, group);
        known.truncate(KNOWN_PREFIXES - 1);
        known.push_front((table.place(), group.to_vec(), prefix));
        prefix
    }
}

/// The smallest key that is above every key that begins with `prefix`; `None` when there is none.
pub(super) fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}
