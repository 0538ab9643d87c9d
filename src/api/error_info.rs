//! `ErrorInfo`: the stable code of each error, and what to do. One table; a test compares it with the enumeration.

/// What a program may want to know of an error beside its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct ErrorInfo {
    /// The stable code, for example `wrong_key`; the name of the exception in snake case.
    pub code: String,
    /// True when the same call may succeed later without anyone's doing.
    pub retry: bool,
    /// What to do.
    pub advice: String,
}

/// Code, whether to try again, what to do.
pub(super) type Row = (&'static str, bool, &'static str);

pub(super) const TABLE: &[Row] = &[
    (
        "invalid_address",
        false,
        "Check the address; it begins with wl1 and has a checksum.",
    ),
    ("invalid_key", false, "Refuse whatever brought this key."),
    ("invalid_key_length", false, "Give exactly 32 bytes."),
    (
        "no_secret_half",
        false,
        "Use the identity that the seed belongs to.",
    ),
    ("bundle_malformed", false, "Ask for the bundle again."),
    (
        "bundle_signature",
        false,
        "Refuse the bundle: it was changed, or made by somebody else.",
    ),
    (
        "bundle_expired",
        false,
        "Look the address up at the transport, or ask the contact for a new bundle.",
    ),
    ("bundle_from_the_future", true, "Set this device's clock."),
    (
        "own_bundle",
        false,
        "Give your bundle to others and add theirs.",
    ),
    (
        "uri_not_windlass",
        false,
        "Give the whole code, link or address, and a code other than an invitation alone; or it is another application's.",
    ),
    (
        "uri_unknown_kind",
        false,
        "Update this library, or use an invitation.",
    ),
    ("uri_damaged", false, "Copy or scan it again, whole."),
    ("uri_incomplete", false, "Scan the other codes too."),
    (
        "identity_mismatch",
        false,
        "Refuse it: link and bundle are of two identities.",
    ),
    (
        "invitation_used",
        false,
        "Write to the contact; for a further session ask for a new invitation.",
    ),
    (
        "not_in_person",
        false,
        "Add it as an invitation and compare the safety number, or scan the code that its owner shows in person.",
    ),
    (
        "link_refused",
        false,
        "Cancel on both devices, show a new code on the new device, and scan it from its own screen.",
    ),
    (
        "link_over",
        false,
        "Begin anew: show a new code on the new device, and scan it; it is good for a day.",
    ),
    (
        "link_too_early",
        false,
        "Do the step before first: scan the code that the other device shows.",
    ),
    (
        "link_answered",
        false,
        "Go on with the first answer if both devices show the same; else cancel on both: somebody else may have read the code.",
    ),
    (
        "link_other_device",
        false,
        "Scan from the screen of the device whose code was read; if that was this one, cancel on both and begin anew.",
    ),
    ("picture_unreadable", false, "Give a PNG or JPEG."),
    (
        "picture_too_large",
        false,
        "Make the picture smaller, or cut out the code.",
    ),
    (
        "no_qr_code",
        false,
        "Take the picture again: closer, straight, in better light.",
    ),
    ("too_long_for_qr_code", false, "Hand over the URI as text."),
    ("unsupported_version", false, "Update this library."),
    ("store_exists", false, "Open it, or choose another path."),
    (
        "store_not_found",
        false,
        "Check the path, or create a store.",
    ),
    ("wrong_key", false, "Ask for the passphrase again."),
    ("empty_passphrase", false, "Ask for a passphrase."),
    (
        "key_unreadable",
        false,
        "Give a key as 64 hexadecimal digits or 32 bytes, or a passphrase on one line.",
    ),
    ("not_a_store", false, "Check the path."),
    ("store_damaged", false, "Restore the store from a backup."),
    ("store_locked", true, "Close the other process that has it."),
    ("store_newer_version", false, "Update this library."),
    (
        "store_moved",
        false,
        "Open the store where it was copied to; if that says that the copying has not come to its end, run it again.",
    ),
    (
        "copy_unfinished",
        false,
        "Run the copying again, from the same store to the same place; until it ends, the store that it came from may be the one to use.",
    ),
    ("disk_full", true, "Make room."),
    (
        "key_slots_missing",
        false,
        "Put the .keys file back beside the store.",
    ),
    (
        "key_slots_damaged",
        false,
        "Put back the copy of the .keys file that belongs to this store.",
    ),
    (
        "key_slots_mismatch",
        false,
        "Put back store and .keys file of the same time.",
    ),
    ("not_a_backup", false, "Check the path."),
    ("backup_damaged", false, "Use another copy of the backup."),
    ("store_closed", false, "Open the store again."),
    (
        "forked",
        false,
        "Open the store after fork, in one process only.",
    ),
    ("key_derivation", true, "Free some memory."),
    (
        "dangling_link",
        false,
        "Look whether the disk that the link means is there; make a new store under the file's own name.",
    ),
    (
        "hard_link",
        false,
        "Open the store by the name that has the .keys file beside it.",
    ),
    (
        "locks_unsupported",
        false,
        "Put the store on a local disk, or have the file system's lock service switched on.",
    ),
    ("file_not_found", false, "Check the path that it names."),
    (
        "file_exists",
        false,
        "Choose another path; nothing is overwritten.",
    ),
    (
        "file_unusable",
        false,
        "Look at the file that it names: its kind, its name, who may use it.",
    ),
    (
        "file_system",
        true,
        "Look at the disk and try again; if it was a store's, close it and open it again.",
    ),
    (
        "database_address",
        false,
        "Write it as postgresql://user:password@host:port/database, with store= and slots= behind a ? if need be.",
    ),
    (
        "database_rights",
        false,
        "Check user and password, and give the user the rights on the store's schema.",
    ),
    (
        "database_untrusted",
        false,
        "Check the name of the host, sslrootcert and sslmode, or slots_rootcert, and the certificate of the server.",
    ),
    (
        "database_lost",
        true,
        "Look whether the server runs and can be reached; what a call that failed so has done is found out when it is repeated.",
    ),
    (
        "database_read_only",
        true,
        "Name the server that writes, or all of them with commas between.",
    ),
    (
        "steps_collide",
        true,
        "Use fewer workers on one conversation.",
    ),
    (
        "database_failed",
        true,
        "Look the code up in the manual of PostgreSQL, and see the server's log.",
    ),
    (
        "vault_lost",
        true,
        "Look whether Vault runs and can be reached at the address of slots=.",
    ),
    (
        "vault_sealed",
        true,
        "Unseal it; nothing else is to be done.",
    ),
    (
        "vault_rights",
        true,
        "Give the token the rights that docs/guide/fleets.md lists, or put a valid one into the file of slots_token.",
    ),
    (
        "vault_key",
        false,
        "Make a key of its own for this store, of the type aes256-gcm96, that cannot be exported.",
    ),
    (
        "no_randomness",
        true,
        "Try again; the system is still starting, or out of file handles.",
    ),
    ("cancelled", true, "Nothing; it was asked for."),
    ("identity_missing", false, "Use Client.create."),
    ("identity_exists", false, "Use Client.open."),
    ("unknown_contact", false, "Add the contact's bundle."),
    (
        "own_address",
        false,
        "Make a group without members: what you write there is on all your devices, and nowhere else.",
    ),
    ("no_bundle", false, "Ask the contact for a bundle."),
    (
        "contact_blocked",
        false,
        "Call accept_contact if the user wants to talk with them.",
    ),
    (
        "contact_not_verified",
        false,
        "Compare the safety number, or choose another trust policy.",
    ),
    ("too_many_devices", false, "Remove a device."),
    ("unknown_device", false, "Use an id that devices() gave."),
    ("unknown_message", false, "Use an id that the history gave."),
    (
        "unknown_cursor",
        false,
        "Read the events without a cursor, and load anew what you keep of contacts and conversations.",
    ),
    (
        "unknown_group",
        false,
        "Wait for the invitation, or ask an admin to add you.",
    ),
    ("not_an_admin", false, "Ask an admin of the group."),
    ("not_a_member", false, "Join the group first."),
    (
        "group_refused",
        false,
        "Look at the members first: it changes nothing, or the group would get too large.",
    ),
    (
        "not_the_author",
        false,
        "Only its author may change a message.",
    ),
    (
        "attachment_damaged",
        false,
        "Fetch the encrypted file again; nothing of it was handed over.",
    ),
    ("content_too_large", false, "Send less."),
    (
        "invalid_content",
        false,
        "Give a name without slashes, one emoji as a reaction, a time of five seconds to ten years, text without halves of characters.",
    ),
    (
        "invalid_media_type",
        false,
        "Use a media type such as image/png.",
    ),
    (
        "body_not_sendable",
        false,
        "Send text, data or opaque bytes.",
    ),
    (
        "state_changed",
        false,
        "Read the document again, and change what it says now.",
    ),
    (
        "state_full",
        false,
        "Keep less in the document, or take away others.",
    ),
    (
        "safety_number_mismatch",
        false,
        "Do not trust the contact; compare again in person.",
    ),
    (
        "safety_number_invalid",
        false,
        "Type it again, whole; it says nothing of the contact.",
    ),
    (
        "backlog_full",
        true,
        "Acknowledge nothing; hand it over again when messages were handled.",
    ),
    ("envelope_malformed", false, "Drop the envelope."),
    (
        "not_for_this_device",
        false,
        "Drop the envelope, or give it to the device it is for.",
    ),
    (
        "not_for_this_session",
        false,
        "Give the envelope to Client.receive.",
    ),
    ("undecryptable", false, "Ask the sender to send again."),
    (
        "hand_over_unreadable",
        false,
        "Show that there may be something new, and no more; open the application, which hands over anew.",
    ),
    (
        "hand_over_too_old",
        false,
        "Show that there may be something new, and no more; open the application, which hands over anew.",
    ),
    ("hand_over_newer", false, "Update this library."),
];

/// Every error there is, in the order of the documentation.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn errors() -> Vec<ErrorInfo> {
    TABLE.iter().map(info).collect()
}

/// What is known of the error with this code; nothing for a code that does not exist.
#[cfg_attr(feature = "uniffi", uniffi::export)]
#[must_use]
pub fn error_info(code: &str) -> Option<ErrorInfo> {
    TABLE.iter().find(|row| row.0 == code).map(info)
}

fn info((code, retry, advice): &Row) -> ErrorInfo {
    ErrorInfo {
        code: (*code).to_owned(),
        retry: *retry,
        advice: (*advice).to_owned(),
    }
}
