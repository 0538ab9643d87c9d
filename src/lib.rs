//! Forward-secret chat for apps and bots: X3DH, the Double Ratchet and an encrypted store.
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
//! The types at the root are the facade, the same in Rust, Python, Kotlin and Swift. The modules are its layers, each importing
//! only from those below it (a test holds this). They are public for auditors, vectors and fuzzers; only the facade keeps its
//! promises from version to version.
//!
//! ```text
//! api                                the facade; one transaction ties the rest together
//! chat    session   link             what messages say; the channel to one remote device; new devices
//! x3dh   ratchet   bundle  identity  the parts of the protocol; x3dh and ratchet never see each other
//! testing                            a machine to test on: its disk forgets, its clock stands
//! store                              redb, sealing, epochs: rows of bytes
//! crypto   wire    qr                primitives; messages as bytes; codes as pictures
//! limits                             every bound, with its reason
//! ```

mod api;
pub mod bundle;
pub mod chat;
pub mod crypto;
mod engine;
pub mod identity;
pub mod limits;
pub mod link;
pub mod qr;
pub mod ratchet;
pub mod session;
pub mod store;
pub mod testing;
pub mod wire;
pub mod x3dh;

pub use api::{
    Attachment, AttachmentInfo, Body, Bundle, Bytes, Client, CodeProgress, CodeReader, Contact,
    Conversation, ConversationSummary, Delivery, DeviceInfo, DeviceLink, EncryptedStore, ErrorInfo,
    Event, Faults, GroupChange, GroupChangeKind, GroupMember, Identity, Inspection, Message,
    OutgoingEnvelope, OutgoingMessage, ProgressError, ProgressListener, Reaction, Received,
    RefusalReason, Result, SafetyEmoji, SearchPage, Sent, Session, SessionState, SessionStatus,
    ShredReport, Simulation, StoreKey, TableRows, Tally, TrustPolicy, UndecryptableCause,
    UnhandledMessage, WindlassError, device_transfer_from_uri, device_transfer_to_uri, error_info,
    errors, qr_frames, qr_png, qr_read, qr_svg, qr_terminal,
};

uniffi::setup_scaffolding!("windlass");

/// What the README shows of Rust is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
