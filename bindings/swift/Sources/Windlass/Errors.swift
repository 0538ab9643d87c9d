import Foundation

extension WindlassError: LocalizedError, CustomStringConvertible {
    /// The sentence for people.
    public var description: String {
        switch self {
        case let .InvalidAddress(message),
            let .InvalidKey(message),
            let .InvalidKeyLength(message),
            let .NoSecretHalf(message),
            let .BundleMalformed(message),
            let .BundleSignature(message),
            let .BundleExpired(message),
            let .BundleFromTheFuture(message),
            let .OwnBundle(message),
            let .UriNotWindlass(message),
            let .UriUnknownKind(message),
            let .UriDamaged(message),
            let .UriIncomplete(message),
            let .IdentityMismatch(message),
            let .InvitationUsed(message),
            let .NotInPerson(message),
            let .PictureUnreadable(message),
            let .PictureTooLarge(message),
            let .NoQrCode(message),
            let .TooLongForQrCode(message),
            let .UnsupportedVersion(message),
            let .StoreExists(message),
            let .StoreNotFound(message),
            let .WrongKey(message),
            let .EmptyPassphrase(message),
            let .KeyUnreadable(message),
            let .NotAStore(message),
            let .StoreDamaged(message),
            let .StoreLocked(message),
            let .StoreNewerVersion(message),
            let .StoreMoved(message),
            let .CopyUnfinished(message),
            let .DiskFull(message),
            let .KeySlotsMissing(message),
            let .KeySlotsDamaged(message),
            let .KeySlotsMismatch(message),
            let .NotABackup(message),
            let .BackupDamaged(message),
            let .StoreClosed(message),
            let .Forked(message),
            let .KeyDerivation(message),
            let .DanglingLink(message),
            let .HardLink(message),
            let .LocksUnsupported(message),
            let .FileNotFound(message),
            let .FileExists(message),
            let .FileUnusable(message),
            let .FileSystem(message),
            let .DatabaseAddress(message),
            let .DatabaseRights(message),
            let .DatabaseUntrusted(message),
            let .DatabaseLost(message),
            let .DatabaseReadOnly(message),
            let .StepsCollide(message),
            let .DatabaseFailed(message),
            let .VaultLost(message),
            let .VaultSealed(message),
            let .VaultRights(message),
            let .VaultKey(message),
            let .NoRandomness(message),
            let .Cancelled(message),
            let .IdentityMissing(message),
            let .IdentityExists(message),
            let .UnknownContact(message),
            let .OwnAddress(message),
            let .NoBundle(message),
            let .ContactBlocked(message),
            let .ContactNotVerified(message),
            let .UnknownMessage(message),
            let .UnknownCursor(message),
            let .UnknownGroup(message),
            let .NotAnAdmin(message),
            let .NotAMember(message),
            let .GroupRefused(message),
            let .NotTheAuthor(message),
            let .AttachmentDamaged(message),
            let .InvalidContent(message),
            let .ContentTooLarge(message),
            let .InvalidMediaType(message),
            let .BodyNotSendable(message),
            let .StateChanged(message),
            let .StateFull(message),
            let .SafetyNumberMismatch(message),
            let .BacklogFull(message),
            let .SafetyNumberInvalid(message),
            let .EnvelopeMalformed(message),
            let .NotForThisDevice(message),
            let .NotForThisSession(message),
            let .Undecryptable(message),
            let .HandOverUnreadable(message),
            let .HandOverTooOld(message),
            let .HandOverNewer(message),
            let .TooManyDevices(message),
            let .UnknownDevice(message),
            let .LinkRefused(message),
            let .LinkOver(message),
            let .LinkTooEarly(message),
            let .LinkAnswered(message),
            let .LinkOtherDevice(message):
            message
        }
    }

    /// The sentence for people, where Foundation looks for it.
    public var errorDescription: String? { description }

    /// What to do.
    public var recoverySuggestion: String? { advice }

    /// What to do.
    public var advice: String { errorInfo(code: code)?.advice ?? "" }

    /// True when the same call may succeed later without anyone's doing.
    public var retry: Bool { errorInfo(code: code)?.retry ?? false }

    /// The stable code, the same in every language. Spelt out, so that a program that is stripped of its names has it too.
    public var code: String {
        switch self {
        case .InvalidAddress: "invalid_address"
        case .InvalidKey: "invalid_key"
        case .InvalidKeyLength: "invalid_key_length"
        case .NoSecretHalf: "no_secret_half"
        case .BundleMalformed: "bundle_malformed"
        case .BundleSignature: "bundle_signature"
        case .BundleExpired: "bundle_expired"
        case .BundleFromTheFuture: "bundle_from_the_future"
        case .OwnBundle: "own_bundle"
        case .UriNotWindlass: "uri_not_windlass"
        case .UriUnknownKind: "uri_unknown_kind"
        case .UriDamaged: "uri_damaged"
        case .UriIncomplete: "uri_incomplete"
        case .IdentityMismatch: "identity_mismatch"
        case .InvitationUsed: "invitation_used"
        case .NotInPerson: "not_in_person"
        case .PictureUnreadable: "picture_unreadable"
        case .PictureTooLarge: "picture_too_large"
        case .NoQrCode: "no_qr_code"
        case .TooLongForQrCode: "too_long_for_qr_code"
        case .UnsupportedVersion: "unsupported_version"
        case .StoreExists: "store_exists"
        case .StoreNotFound: "store_not_found"
        case .WrongKey: "wrong_key"
        case .EmptyPassphrase: "empty_passphrase"
        case .KeyUnreadable: "key_unreadable"
        case .NotAStore: "not_a_store"
        case .StoreDamaged: "store_damaged"
        case .StoreLocked: "store_locked"
        case .StoreNewerVersion: "store_newer_version"
        case .StoreMoved: "store_moved"
        case .CopyUnfinished: "copy_unfinished"
        case .DiskFull: "disk_full"
        case .KeySlotsMissing: "key_slots_missing"
        case .KeySlotsDamaged: "key_slots_damaged"
        case .KeySlotsMismatch: "key_slots_mismatch"
        case .NotABackup: "not_a_backup"
        case .BackupDamaged: "backup_damaged"
        case .StoreClosed: "store_closed"
        case .Forked: "forked"
        case .KeyDerivation: "key_derivation"
        case .DanglingLink: "dangling_link"
        case .HardLink: "hard_link"
        case .LocksUnsupported: "locks_unsupported"
        case .FileNotFound: "file_not_found"
        case .FileExists: "file_exists"
        case .FileUnusable: "file_unusable"
        case .FileSystem: "file_system"
        case .DatabaseAddress: "database_address"
        case .DatabaseRights: "database_rights"
        case .DatabaseUntrusted: "database_untrusted"
        case .DatabaseLost: "database_lost"
        case .DatabaseReadOnly: "database_read_only"
        case .StepsCollide: "steps_collide"
        case .DatabaseFailed: "database_failed"
        case .VaultLost: "vault_lost"
        case .VaultSealed: "vault_sealed"
        case .VaultRights: "vault_rights"
        case .VaultKey: "vault_key"
        case .NoRandomness: "no_randomness"
        case .Cancelled: "cancelled"
        case .IdentityMissing: "identity_missing"
        case .IdentityExists: "identity_exists"
        case .UnknownContact: "unknown_contact"
        case .OwnAddress: "own_address"
        case .NoBundle: "no_bundle"
        case .ContactBlocked: "contact_blocked"
        case .ContactNotVerified: "contact_not_verified"
        case .UnknownMessage: "unknown_message"
        case .UnknownCursor: "unknown_cursor"
        case .UnknownGroup: "unknown_group"
        case .NotAnAdmin: "not_an_admin"
        case .NotAMember: "not_a_member"
        case .GroupRefused: "group_refused"
        case .NotTheAuthor: "not_the_author"
        case .AttachmentDamaged: "attachment_damaged"
        case .InvalidContent: "invalid_content"
        case .ContentTooLarge: "content_too_large"
        case .InvalidMediaType: "invalid_media_type"
        case .BodyNotSendable: "body_not_sendable"
        case .StateChanged: "state_changed"
        case .StateFull: "state_full"
        case .SafetyNumberMismatch: "safety_number_mismatch"
        case .BacklogFull: "backlog_full"
        case .SafetyNumberInvalid: "safety_number_invalid"
        case .EnvelopeMalformed: "envelope_malformed"
        case .NotForThisDevice: "not_for_this_device"
        case .NotForThisSession: "not_for_this_session"
        case .Undecryptable: "undecryptable"
        case .HandOverUnreadable: "hand_over_unreadable"
        case .HandOverTooOld: "hand_over_too_old"
        case .HandOverNewer: "hand_over_newer"
        case .TooManyDevices: "too_many_devices"
        case .UnknownDevice: "unknown_device"
        case .LinkRefused: "link_refused"
        case .LinkOver: "link_over"
        case .LinkTooEarly: "link_too_early"
        case .LinkAnswered: "link_answered"
        case .LinkOtherDevice: "link_other_device"
        }
    }
}
