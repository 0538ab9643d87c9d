//! Forward-secret chat for apps and bots: X3DH, the Triple Ratchet and an encrypted store.
//!
//! ```
//! use windlass::{Body, Client, EncryptedStore, Event, StoreKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! # let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
//! let key = StoreKey::from_passphrase("correct horse battery staple".into())?;
//! let alice = Client::create(EncryptedStore::create(path("alice.wl"), &key)?, None)?;
//! let bob = Client::create(EncryptedStore::create(path("bob.wl"), &key)?, None)?;
//!
//! let invitation = bob.single_use_bundle()?.to_uri();
//! alice.add_contact(&*windlass::Bundle::from_uri(invitation)?)?;
//! let sent = alice.send(bob.address(), "Ahoy!".into())?;
//! for event in bob.receive(sent.envelopes[0].bytes.clone())? {
//!     if let Event::Message { message } = event {
//!         assert_eq!(message.body, Body::Text { text: "Ahoy!".into() });
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The types at the root are the facade, the same in Rust, Python, Kotlin and Swift. Below it are layers, each importing only
//! from those further down (a test holds this). With the feature `hazmat` they are public modules, for auditors, vectors, fuzzers and
//! storage engines: nothing there is promised from version to version, and keys can be used wrongly. The feature `uniffi` is for
//! the packages of other languages.
//!
//! ```text
//! api                                the facade
//! engine                             each call as a step: what belongs together is durable together
//! chat    session   link             what messages say; the channel to one remote device; new devices
//! x3dh   ratchet   bundle  identity  the parts of the protocol; x3dh and ratchet never see each other
//! testing                            a machine to test on: its disk forgets, its clock stands
//! store                              redb, sealing, epochs: rows of bytes
//! crypto   wire    qr                primitives; messages as bytes; codes as pictures
//! due                                dates that lie ahead of now
//! limits                             every bound, with its reason
//! ```

// Without `hazmat` nobody calls what only auditors, vectors and fuzzers need; WebAssembly has no files to read a backup from.
#![cfg_attr(
    any(not(feature = "hazmat"), target_arch = "wasm32"),
    allow(dead_code, unused_imports)
)]

mod api;
mod due;
mod engine;

// The layers are public with the feature `hazmat` alone.
#[cfg(not(feature = "hazmat"))]
mod bundle;
#[cfg(feature = "hazmat")]
pub mod bundle;
#[cfg(not(feature = "hazmat"))]
mod chat;
#[cfg(feature = "hazmat")]
pub mod chat;
#[cfg(not(feature = "hazmat"))]
mod crypto;
#[cfg(feature = "hazmat")]
pub mod crypto;
#[cfg(not(feature = "hazmat"))]
mod identity;
#[cfg(feature = "hazmat")]
pub mod identity;
#[cfg(not(feature = "hazmat"))]
mod limits;
#[cfg(feature = "hazmat")]
pub mod limits;
#[cfg(not(feature = "hazmat"))]
mod link;
#[cfg(feature = "hazmat")]
pub mod link;
#[cfg(not(feature = "hazmat"))]
mod qr;
#[cfg(feature = "hazmat")]
pub mod qr;
#[cfg(not(feature = "hazmat"))]
mod ratchet;
#[cfg(feature = "hazmat")]
pub mod ratchet;
#[cfg(not(feature = "hazmat"))]
mod session;
#[cfg(feature = "hazmat")]
pub mod session;
#[cfg(not(feature = "hazmat"))]
mod store;
#[cfg(feature = "hazmat")]
pub mod store;
#[cfg(not(feature = "hazmat"))]
mod testing;
#[cfg(feature = "hazmat")]
pub mod testing;
#[cfg(not(feature = "hazmat"))]
mod text;
#[cfg(feature = "hazmat")]
pub mod text;
#[cfg(not(feature = "hazmat"))]
mod wire;
#[cfg(feature = "hazmat")]
pub mod wire;
#[cfg(not(feature = "hazmat"))]
mod x3dh;
#[cfg(feature = "hazmat")]
pub mod x3dh;

pub use api::{
    Attachment, AttachmentInfo, AttachmentOpener, AttachmentSealer, Backlog, Body, Bundle, Bytes,
    ChangeListener, ChatSettings, Client, CodeProgress, CodeReader, Contact, Conversation,
    ConversationSummary, Delivery, DeviceInfo, DeviceLink, DeviceReceipt, EncryptedStore,
    ErrorInfo, Event, Faults, Forward, FoundContact, GroupChange, GroupChangeKind, GroupMember,
    GroupPermission, HandOver, Identity, Inspection, InvitationLink, KeptEvent, LinkCheck,
    LinkPreview, ListedConversation, MemberReceipt, Message, MessageOrigin, MessageReceipts,
    OutboxListener, OutgoingEnvelope, OutgoingFile, OutgoingMessage, Peeked, PeekedMessage,
    PendingJoin, PendingLink, PostQuantum, Profile, ProgressError, ProgressListener, Reaction,
    Received, RefusalReason, Result, RichText, SafetyEmoji, ScheduledMessage, SearchPage, Sent,
    Session, SessionState, SessionStatus, ShredReport, Simulation, StateChange, StateDocument,
    StateOwner, StoreKey, TableRows, Tally, TextRun, TextSpan, TextStyle, TrustPolicy,
    TypedCommand, UndecryptableCause, UnhandledMessage, WaitingMessage, WindlassError, error_info,
    errors, find_contact, fold_text, join_runs, qr_frames, qr_png, qr_read, qr_svg, qr_terminal,
    read_command, read_emoji, read_number, text_runs,
};

#[cfg(feature = "uniffi")]
uniffi::setup_scaffolding!("windlass");

/// What the README shows of Rust is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
