//! Every bound, with its reason. RFC windlass §3.6 lists the ones that a peer must know; a test compares the two.

/// The protocol version that this code speaks.
pub const PROTOCOL_VERSION: u32 = 2;

/// How far a receiving chain may jump ahead in one message: some 50 ms. A bot that was offline while a peer wrote 25,000 messages still follows.
pub const MAX_CHAIN_JUMP: u32 = 25_000;

/// Skipped message keys kept for one session; the oldest go first. Bounds what a peer can make us store to about 200 KiB.
pub const MAX_SKIPPED_KEYS: u32 = 2_000;

/// How long the key of a message that has not come is kept. Nothing is sent again unasked for that long; what comes later is asked for (healing).
pub const SKIPPED_KEY_RETENTION_SECONDS: u64 = 30 * DAY_SECONDS;

/// Own messages in a post-quantum epoch before a device offers the key of the next. A key and its answer are 2.3 KB, so a conversation pays some
/// 50 bytes a message for them; who took a state reads on for a median of 28 messages in turns.
pub const EPOCH_MESSAGES: u32 = 25;

/// Or after so long, from its first message in the epoch: a slow conversation pays little, and should not stay open to a thief for weeks.
pub const EPOCH_SECONDS: u64 = DAY_SECONDS;

/// A post-quantum key or its answer goes with the first and each eighth message, until the other side has it: a loss costs less than more would.
pub const EPOCH_REPEAT: u32 = 8;

/// Receiving chains of one session whose skipped keys are kept. A message that is more than five turns late is asked for again (healing).
pub const MAX_RECEIVING_CHAINS: usize = 5;

/// Sessions kept for one remote device. Two sides that start at once make two; each further one is a state that a past compromise still reads.
pub const MAX_SESSIONS_PER_DEVICE: usize = 5;

/// Used message numbers remembered for one chain, to tell a duplicate from a sender who went back in time.
pub const MAX_ACCEPTED_PER_CHAIN: u32 = 2_000;

/// Devices of one identity. A message costs a ciphertext for each.
pub const MAX_DEVICES: usize = 8;

/// Length in bytes of an encoded bundle body. Eight devices with one-time prekeys need about 800.
pub const MAX_BUNDLE_BODY_LEN: usize = 8_192;

/// Length in bytes of an encoded bundle: body, signature, eight ML-KEM keys, a secret, and their field headers.
pub const MAX_BUNDLE_LEN: usize = MAX_BUNDLE_BODY_LEN + 10_240;

/// Length in bytes of an envelope. Eight ciphertexts of the longest content, [`MAX_CONTENT_LEN`], fit.
pub const MAX_ENVELOPE_LEN: usize = 16 * 1024 * 1024;

/// Length in bytes of an encoded content. Larger things are attachments.
pub const MAX_CONTENT_LEN: usize = 1_200_000;

/// Length in bytes of a text.
pub const MAX_TEXT_LEN: usize = 262_144;

/// Length in bytes of the bytes of a data or opaque body.
pub const MAX_DATA_LEN: usize = 1_048_576;

/// Length in bytes of a media type (RFC 6838 §4.2 allows 127 on each side of the slash).
pub const MAX_MEDIA_TYPE_LEN: usize = 255;

/// Message ids in one delivery receipt.
pub const MAX_RECEIPT_IDS: usize = 1_024;

/// How far ahead of everything seen in its conversation a message's Lamport clock counts: one that says more has this. No honest conversation has
/// as many messages; without the bound one message could bring the clock to the end of its range, where nothing can be ordered any more.
pub const MAX_LAMPORT_JUMP: u64 = 1 << 32;

/// Messages that one names as those it follows. Two sides that write at once make two; more come only from devices that were long apart.
pub const MAX_FOLLOWED: usize = 8;

/// Messages of a conversation that are known to be missing. One request asks for all that is not here, so a few do.
pub const MAX_MISSING: usize = 64;

/// Members of a group: a message is encrypted for each of their devices.
pub const MAX_GROUP_MEMBERS: usize = 64;

/// How long what a former member of a group wrote is still accepted: it may have been under way when they were removed, and all should
/// have it or none. As long as it is sent again unasked.
pub const FORMER_MEMBER_SECONDS: u64 = 7 * DAY_SECONDS;

/// The shortest time after which messages disappear. What is gone before its reader looks was deleted by whoever set the timer.
pub const MIN_DISAPPEARING_SECONDS: u64 = 5;

/// The longest one: ten years. What is to stay for longer is kept for ever.
pub const MAX_DISAPPEARING_SECONDS: u64 = 3_650 * DAY_SECONDS;

/// Events of a group's log. A new member gets all of them in one message.
pub const MAX_GROUP_EVENTS: usize = 1_000;

/// Events of a group that came before what they build on: few, sent again, and anybody who ever belonged to the group can make them up.
pub const MAX_WAITING_GROUP_EVENTS: usize = 64;

/// Of these, events of one author: nobody fills all places with what they made up.
pub const MAX_WAITING_GROUP_EVENTS_OF_AUTHOR: usize = 16;

/// How long an event may wait, or a member's view differ from ours, before somebody is asked and the user is told. Most of it is under way.
pub const GROUP_PATIENCE_SECONDS: u64 = 600;

/// How long after a request for events of a group the next one follows; doubled with each, up to a day.
pub const GROUP_SYNC_BACK_OFF_SECONDS: u64 = 3_600;

/// Requests to one member whose view differs, until it does not.
pub const MAX_GROUP_SYNCS: u32 = 6;

/// Such requests, and answers, to one member within a day.
pub const MAX_GROUP_SYNCS_PER_DAY: u32 = 12;

/// How long after a group's log grew, and after a member was asked for it, the next one is asked whether they have what is here. With words all
/// show it to all; where nobody writes, a member could else keep for ever from some what they told others.
pub const GROUP_COMPARISON_SECONDS: u64 = 6 * 3_600;

/// How often one member is asked so, if no answer comes.
pub const MAX_GROUP_COMPARISONS: u32 = 3;

/// How long what nobody has may keep a view of a group incomplete. A telephone that was off for a week and has it alone brings it later.
pub const MISSING_GROUP_EVENT_SECONDS: u64 = 7 * DAY_SECONDS;

/// Groups to which the user is invited and that they have not joined. More than a person looks through.
pub const MAX_GROUP_INVITATIONS: usize = 64;

/// Of these, invitations by one contact.
pub const MAX_GROUP_INVITATIONS_BY_ONE: usize = 16;

/// How long such a group is kept, and how long it is remembered that one was deleted: an invitation that is no new one does not bring it back.
pub const GROUP_INVITATION_SECONDS: u64 = 30 * DAY_SECONDS;

/// Links to groups that a device made and that are still of use.
pub const MAX_GROUP_LINKS: usize = 64;

/// How long a link is of use, and a request by one waits: the bundle in it lasts for at least half of [`BUNDLE_LIFETIME_SECONDS`].
pub const GROUP_LINK_SECONDS: u64 = 14 * DAY_SECONDS;

/// Groups that the user asked to be let into and that have not come.
pub const MAX_GROUP_JOINS: usize = 64;

/// Events at the end of its author's log that a message of a group names.
pub const MAX_TOLD_GROUP_HEADS: usize = 4;

/// Length in bytes of a signed event: one with the largest picture on top of the most parents has 17,200.
pub const MAX_GROUP_EVENT_LEN: usize = 17_408;

/// Messages of groups that another device of ours gave before what they build on, and that are held until then: to a device that was just linked, in
/// any order. What comes beyond it is sent again.
pub const MAX_HELD: u64 = 1_000;

/// Bytes of such messages.
pub const MAX_HELD_BYTES: u64 = 4 * 1024 * 1024;

/// How long one is held: as long as it is sent again unasked.
pub const HELD_SECONDS: u64 = 7 * DAY_SECONDS;

/// Events that an event names as the latest its author knew.
pub const MAX_GROUP_PARENTS: usize = 16;

/// Length in bytes of a group's name.
pub const MAX_GROUP_NAME_LEN: usize = 256;

/// Length in bytes of a reaction: the longest emoji has 35.
pub const MAX_REACTION_LEN: usize = 64;

/// Parts of a text that mean something or look otherwise: more than a long article has.
pub const MAX_TEXT_SPANS: usize = 256;

/// Answers that a text suggests: as many as fit on a screen beside the text.
pub const MAX_SUGGESTIONS: usize = 8;

/// Length in bytes of one of them: what stands on a button.
pub const MAX_SUGGESTION_LEN: usize = 128;

/// Messages at the top of a conversation, those that were put there last: more than anybody looks through.
pub const MAX_PINNED: usize = 64;

/// Reactions of one author to one message; the last ones count.
pub const MAX_REACTIONS_BY_ONE: usize = 16;

/// Reactions, pins, edits and deletions of one author in one conversation that wait for the messages they are about: ids are made up easily.
pub const MAX_EARLY_ANNOTATIONS: usize = 256;

/// How long one waits: as long as the message may be sent again.
pub const EARLY_ANNOTATION_RETENTION_SECONDS: u64 = 30 * DAY_SECONDS;

/// Length in bytes of an attachment's name, as file systems have it.
pub const MAX_FILE_NAME_LEN: usize = 255;

/// Bytes of the file of an attachment: more than anything holds that could fetch it, and a number that every language has.
pub const MAX_ATTACHMENT_SIZE: u64 = 1 << 40;

/// The latest time that every language can show, 9999-12-31T23:59:59Z, in seconds since 1970; later ones are shown as this one.
pub const MAX_TIME_SECONDS: u64 = 253_402_300_799;

/// Length in bytes of where an attachment is.
pub const MAX_LOCATION_LEN: usize = 4_096;

/// Bytes of an attachment that are sealed at once: read, written and held in memory.
pub const ATTACHMENT_CHUNK_LEN: usize = 65_536;

/// Conversations in one page of the list.
pub const MAX_LISTED_AT_ONCE: usize = 1_000;

/// Messages that one call of a search looks at; the next one goes on.
pub const MAX_SEARCHED_AT_ONCE: usize = 10_000;

/// The highest Lamport clock. One near the end of its range would leave no room to answer.
pub const MAX_LAMPORT: u64 = 1 << 62;

/// Length in characters of a bundle's URI: what fits a QR code's alphanumeric mode at version 40 with low error correction.
pub const MAX_URI_LEN: usize = 4_296;

/// Length in bytes of a text in which an invitation is looked for: a mail with all that it quotes.
pub const MAX_SHARED_TEXT_LEN: usize = 65_536;

/// Length in characters of a URI that is shown as one code: version 13, medium error correction, which a telephone reads from a screen at once.
pub const MAX_CODE_LEN: usize = 483;

/// Codes that one URI is split into at most; the longest URI needs 12.
pub const MAX_CODE_FRAMES: usize = 32;

/// How long a bundle is valid. Longer than signed prekeys live would only fail later, at the first message.
pub const BUNDLE_LIFETIME_SECONDS: u64 = 30 * DAY_SECONDS;

/// How old a signed prekey gets before a new one takes its place (X3DH §3.2: "once a week, or once a month").
pub const SIGNED_PREKEY_LIFETIME_SECONDS: u64 = 7 * DAY_SECONDS;

/// How long the private key of a retired signed prekey lives on, for first messages that come late. As long as a bundle that names it is valid.
pub const SIGNED_PREKEY_RETENTION_SECONDS: u64 = 30 * DAY_SECONDS;

/// How far a bundle's issue time may lie in the future: clocks differ (one day is the largest usual mistake, a time zone).
pub const MAX_CLOCK_SKEW_SECONDS: u64 = DAY_SECONDS;

/// How far a clock goes ahead at once before it is doubted: a device that was off for longer and a clock that is wrong look the same.
pub const CLOCK_LEAP_SECONDS: u64 = 90 * DAY_SECONDS;

/// How long a clock that leapt ahead has to go on before anything is erased because of its age.
pub const CLOCK_PATIENCE_SECONDS: u64 = DAY_SECONDS;

/// How long a clock that was put back to where it never was has to go on before what lies ahead of it is taken for wrong.
pub const CLOCK_PROOF_SECONDS: u64 = 7 * DAY_SECONDS;

/// Iterations of the hash behind a safety number, as in Signal's numeric fingerprints.
pub const SAFETY_NUMBER_ITERATIONS: u32 = 5_200;

/// Private one-time prekeys that a device gives each device of a contact: what begins sessions until the next ones came.
pub const PRIVATE_ONE_TIME_PREKEYS: usize = 3;

/// Days of which healing keys are kept and proved: those of the window, the one before and the current one.
pub const HEALING_KEY_DAYS: u32 = 16;

/// Ids in one request for healing, for each conversation: 16 KiB at 8 bytes each. What was lost is nearly always newer than the oldest of them.
pub const MAX_HEALING_IDS: usize = 2_048;

/// Messages of a conversation that are compared with what a request names: the latest so many.
pub const MAX_COMPARED: usize = 4 * MAX_HEALING_IDS;

/// Conversations beyond these that a request names with their latest [`HEALING_SUMMARY_IDS`] messages: who lacks nothing is sent nothing.
pub const MAX_HEALING_SUMMARIES: usize = 500;

/// Ids of each of those.
pub const HEALING_SUMMARY_IDS: usize = 32;

/// Conversations in one request at all. Of those beyond the above nothing is asked for.
pub const MAX_HEALING_NAMED: usize = 6_000;

/// Conversations in one request for healing to a device of one's own.
pub const MAX_HEALING_CONVERSATIONS: usize = 32;

/// Requests for healing to one contact until one is answered, the first included. With the back-off the last comes after five hours.
pub const MAX_HEALING_ATTEMPTS: u32 = 6;

/// People who are asked in one round of what is due; after an older copy was put back that is everybody.
pub const MAX_ASKED_AT_ONCE: usize = 100;

/// Requests for healing to one contact, and answers to each of their devices, within a day: somebody who can make us ask or answer, by bytes
/// that do not decrypt or by asking, gets no more out of us.
pub const MAX_HEALING_PER_DAY: u32 = 12;

/// Of these requests, those for bytes that nobody has proved to come from a contact. The rest are kept for what is known to be missing, so that
/// somebody who spoils bytes does not use them up.
pub const MAX_UNPROVED_HEALING_PER_DAY: u32 = 8;

/// How long after a request for healing the next one may follow; doubled with each.
pub const HEALING_BACK_OFF_SECONDS: u64 = 600;

/// Messages that are sent again at once in answer to one request, or in one round of what is due. The rest follows as these are acknowledged.
pub const MAX_RESENT_AT_ONCE: usize = 500;

/// Bytes that are sent again at once, likewise: what one transaction holds in memory.
pub const MAX_RESENT_BYTES_AT_ONCE: usize = 8 * 1024 * 1024;

/// Of these, bytes to one identity: nobody who asks for much holds up what is sent again to others.
pub const MAX_RESENT_BYTES_TO_ONE: usize = 2 * 1024 * 1024;

/// Bytes that the requests of one contact bring within a day. What they ask for beyond it follows on the next day.
pub const MAX_ANSWERED_BYTES_PER_DAY: u64 = 16 * 1024 * 1024;

/// The same for the devices of one's own identity, of which one may have been linked just now.
pub const MAX_OWN_ANSWERED_BYTES_PER_DAY: u64 = 1024 * 1024 * 1024;

/// How long a message may stay unacknowledged before it is sent again unasked; doubled with each time.
pub const RESEND_AFTER_SECONDS: u64 = 3_600;

/// Messages of one conversation that are named as deleted, or as read: 8 KiB. Most of what is deleted singly is recent; of what is
/// older than all names, nothing that is not here is taken in any more.
pub const MAX_FLOOR_NAMES: usize = 512;

/// Conversations of which it is remembered that something of them was deleted; the one that nothing was added to for longest goes first.
pub const MAX_FLOORS: u64 = 4_096;

/// Messages that a read mark names one by one. Those that came late, or crossed, are nearly always among the latest.
pub const MAX_READ_NAMES: usize = 32;

/// Changes of a conversation's timer that are remembered, for messages that come late.
pub const MAX_TIMERS: usize = 16;

/// How far back a request for healing is answered. A copy of a week ago gets all of it, and a thief who poses as a device no more than this.
pub const HEALING_WINDOW_SECONDS: u64 = 14 * DAY_SECONDS;

/// How long linking may take, and how long after it the new device may ask for the whole history.
pub const LINK_LIFETIME_SECONDS: u64 = DAY_SECONDS;

/// How long a message that another device of ours wrote may stay unacknowledged before this one sends it too.
pub const TAKE_OVER_AFTER_SECONDS: u64 = 6 * 3_600;

/// How often a message is sent again unasked. With the doubling the last time is after five days.
pub const MAX_RESENDS: u32 = 8;

/// How often a message is sent again in the session that there is. The other side may have lost that; from then on one is begun for it.
pub const RESENDS_IN_SESSION: u32 = 3;

/// How long an unacknowledged message is kept ready to be sent again when it is asked for.
pub const RESEND_RETENTION_SECONDS: u64 = 30 * DAY_SECONDS;

/// Unacknowledged messages kept ready for one device; the history has them all in any case.
pub const MAX_UNACKNOWLEDGED: u64 = 10_000;

/// How long a device of ours counts as new: what somebody writes who has not heard of it is passed on to it.
pub const NEW_DEVICE_SECONDS: u64 = 7 * DAY_SECONDS;

/// How long messages may be missing in front of one that came before they are asked for: a transport that reorders brings them.
pub const GAP_PATIENCE_SECONDS: u64 = 3_600;

/// Contacts that are looked at within a minute to find whose unknown session a message names; a look at all of them is ended.
pub const MAX_HINTS_PER_MINUTE: u64 = 100_000;

/// One-time prekeys whose private halves are kept at once; a device that hands out more first loses the oldest.
pub const MAX_ONE_TIME_PREKEYS: u32 = 2_000;

/// Days that the key of one's own words is stepped at once: a century. A clock that was set further takes a new key.
pub const MAX_OWN_WORDS_STEPS: u32 = 36_500;

/// People who wrote first and were neither accepted nor blocked. One more has the cause `StrangerLimit`, and nothing of theirs is stored.
pub const MAX_STRANGERS: u64 = 500;

/// Bytes of messages kept of one stranger.
pub const MAX_STRANGER_BYTES: u64 = 98_304;

/// Bytes of messages kept of all strangers together.
pub const MAX_STRANGERS_BYTES: u64 = 6_291_456;

/// Messages that wait until the application has handled them, if it asks for that. Over it nothing is taken in, and what comes waits where the
/// transport keeps it. A program that was away for a day finds what people wrote; what a flood brings is not kept twice.
pub const MAX_UNHANDLED: u64 = 20_000;

/// Bytes of such messages.
pub const MAX_UNHANDLED_BYTES: u64 = 64 * 1024 * 1024;

/// Of what is free of both, one author may have a part in so many: whoever floods leaves room for those who come next, however many flood.
pub const UNHANDLED_SHARE: u64 = 4;

/// Messages that may wait of everybody who writes to us alone, whatever the others have.
pub const MIN_UNHANDLED_BY_ONE: u64 = 16;

/// Bytes of such messages.
pub const MIN_UNHANDLED_BYTES_BY_ONE: u64 = 65_536;

/// For how long it is worth telling that somebody is writing or there.
pub const TRANSIENT_SECONDS: u64 = 30;

/// Bytes of the user's own name for a conversation.
pub const MAX_CHAT_NAME_LEN: usize = 256;

/// Settings of one conversation, each of a kind of its own.
pub const MAX_CHAT_SETTINGS: usize = 16;

/// Conversations for which settings are taken in from other devices; of more, those of conversations that are known here alone.
pub const MAX_SET_CHATS: u64 = 16_384;

/// Bytes of a document that a program keeps of a conversation, of a person or of its own.
pub const MAX_STATE_BYTES: usize = 16_384;

/// Bytes of a document's name.
pub const MAX_STATE_NAME_LEN: usize = 256;

/// Bytes of all such documents, with what their rows cost: those of some hundred thousand people.
pub const MAX_STATES_BYTES: u64 = 64 * 1024 * 1024;

/// Messages that wait for a time at which they are to be sent, in all conversations.
pub const MAX_SCHEDULED: u64 = 1_000;

/// How far ahead such a time may be: a year.
pub const MAX_SCHEDULE_SECONDS: u64 = 366 * DAY_SECONDS;

/// How long the messages of a stranger are kept. Then they have the place only as long as nobody else needs it, and are asked when accepted.
pub const STRANGER_RETENTION_SECONDS: u64 = 7 * DAY_SECONDS;

/// How long a stranger is kept of whom there are no messages any more: as long as their program has them ready to be sent again.
pub const AGED_STRANGER_RETENTION_SECONDS: u64 = 23 * DAY_SECONDS;

/// People who answered an invitation of ours and wait to be accepted. They take no places of strangers, and the eldest makes room.
pub const MAX_INVITED_WAITING: u64 = 500;

/// Contacts kept who belonged to a group, and to none that the user takes part in any more: for what is still under way. The eldest goes first.
pub const MAX_LAPSED: u64 = 500;

/// Contacts by whom one identity may be introduced as the one they go on as.
pub const MAX_INTRODUCERS: usize = 8;

/// How long somebody who was removed without having been accepted is refused: as long as their program sends by itself what it wrote before.
pub const REMOVED_RETENTION_SECONDS: u64 = 30 * DAY_SECONDS;

/// People of whom it is remembered that they were removed; the eldest is forgotten first.
pub const MAX_REMOVED: u64 = 2_000;

/// How long a session that nobody answered is sent with; then one is begun anew: it may be forgotten, and a handshake is not accepted twice.
pub const UNANSWERED_SESSION_SECONDS: u64 = 7 * DAY_SECONDS;

/// Sessions that one stranger may begin within an hour.
pub const MAX_STRANGER_SESSIONS_PER_HOUR: u32 = 3;

/// Skipped keys that one message of a stranger may make us keep.
pub const MAX_STRANGER_SKIPPED_KEYS: usize = 20;

/// Events that are kept until the application says that it has handled them, 2 MiB in all; the oldest go first, and it is told.
pub const MAX_KEPT_EVENTS: u64 = 10_000;

/// How long an event is kept that the application does not handle: who did what is not to lie around for ever, unread.
pub const KEPT_EVENT_RETENTION_SECONDS: u64 = 30 * DAY_SECONDS;

/// Memory in KiB that deriving a key from a passphrase may take, as a file says before anything is authenticated: four times what this library writes.
pub const MAX_ARGON2_MEMORY_KIB: u32 = 262_144;

/// Passes over that memory: twice what this library writes, some seconds of a telephone at most.
pub const MAX_ARGON2_ITERATIONS: u32 = 6;

/// Lanes of that memory: twice what this library writes.
pub const MAX_ARGON2_LANES: u32 = 8;

/// Length in bytes of what a person says of themselves, and of what a group is about: some lines.
pub const MAX_ABOUT_LEN: usize = 1_024;

/// Length in bytes of a picture of a person, a group or a page: a thumbnail. It goes to every contact, and to every member with the group's log.
pub const MAX_PICTURE_LEN: usize = 16_384;

const DAY_SECONDS: u64 = 86_400;
