/** Every error, as a class of its own name. All are a {@link WindlassError}; whichever is thrown, nothing has changed, in memory or on disk. */

/** Why a call refused. */
export class WindlassError extends Error {
  /** The stable code, the same in every language; the name of the class in snake case. */
  readonly code: ErrorCode;
  /** True when the same call may succeed later without anyone's doing. */
  readonly retry: boolean;
  /** What to do. */
  readonly advice: string;

  constructor(said: Said) {
    super(said.message);
    this.name = new.target.name;
    this.code = said.code as ErrorCode;
    this.retry = said.retry;
    this.advice = said.advice;
  }
}

/** What the core says of an error. */
export interface Said {
  message: string;
  code: string;
  retry: boolean;
  advice: string;
}

export class InvalidAddress extends WindlassError {}
export class InvalidKey extends WindlassError {}
export class InvalidKeyLength extends WindlassError {}
export class NoSecretHalf extends WindlassError {}
export class BundleMalformed extends WindlassError {}
export class BundleSignature extends WindlassError {}
export class BundleExpired extends WindlassError {}
export class BundleFromTheFuture extends WindlassError {}
export class OwnBundle extends WindlassError {}
export class UriNotWindlass extends WindlassError {}
export class UriUnknownKind extends WindlassError {}
export class UriDamaged extends WindlassError {}
export class UriIncomplete extends WindlassError {}
export class IdentityMismatch extends WindlassError {}
export class InvitationUsed extends WindlassError {}
export class NotInPerson extends WindlassError {}
export class LinkRefused extends WindlassError {}
export class LinkOver extends WindlassError {}
export class LinkTooEarly extends WindlassError {}
export class LinkAnswered extends WindlassError {}
export class LinkOtherDevice extends WindlassError {}
export class PictureUnreadable extends WindlassError {}
export class PictureTooLarge extends WindlassError {}
export class NoQrCode extends WindlassError {}
export class TooLongForQrCode extends WindlassError {}
export class UnsupportedVersion extends WindlassError {}
export class StoreExists extends WindlassError {}
export class StoreNotFound extends WindlassError {}
export class WrongKey extends WindlassError {}
export class EmptyPassphrase extends WindlassError {}
export class KeyUnreadable extends WindlassError {}
export class NotAStore extends WindlassError {}
export class StoreDamaged extends WindlassError {}
export class StoreLocked extends WindlassError {}
export class StoreNewerVersion extends WindlassError {}
export class StoreMoved extends WindlassError {}
export class CopyUnfinished extends WindlassError {}
export class DiskFull extends WindlassError {}
export class KeySlotsMissing extends WindlassError {}
export class KeySlotsDamaged extends WindlassError {}
export class KeySlotsMismatch extends WindlassError {}
export class NotABackup extends WindlassError {}
export class BackupDamaged extends WindlassError {}
export class StoreClosed extends WindlassError {}
export class Forked extends WindlassError {}
export class KeyDerivation extends WindlassError {}
export class DanglingLink extends WindlassError {}
export class HardLink extends WindlassError {}
export class LocksUnsupported extends WindlassError {}
export class FileNotFound extends WindlassError {}
export class FileExists extends WindlassError {}
export class FileUnusable extends WindlassError {}
export class FileSystem extends WindlassError {}
export class DatabaseAddress extends WindlassError {}
export class DatabaseRights extends WindlassError {}
export class DatabaseUntrusted extends WindlassError {}
export class DatabaseLost extends WindlassError {}
export class DatabaseReadOnly extends WindlassError {}
export class StepsCollide extends WindlassError {}
export class DatabaseFailed extends WindlassError {}
export class VaultLost extends WindlassError {}
export class VaultSealed extends WindlassError {}
export class VaultRights extends WindlassError {}
export class VaultKey extends WindlassError {}
export class NoRandomness extends WindlassError {}
export class Cancelled extends WindlassError {}
export class IdentityMissing extends WindlassError {}
export class IdentityExists extends WindlassError {}
export class UnknownContact extends WindlassError {}
export class OwnAddress extends WindlassError {}
export class NoBundle extends WindlassError {}
export class ContactBlocked extends WindlassError {}
export class ContactNotVerified extends WindlassError {}
export class TooManyDevices extends WindlassError {}
export class UnknownDevice extends WindlassError {}
export class UnknownMessage extends WindlassError {}
export class UnknownCursor extends WindlassError {}
export class UnknownGroup extends WindlassError {}
export class NotAnAdmin extends WindlassError {}
export class NotAMember extends WindlassError {}
export class GroupRefused extends WindlassError {}
export class NotTheAuthor extends WindlassError {}
export class AttachmentDamaged extends WindlassError {}
export class ContentTooLarge extends WindlassError {}
export class InvalidContent extends WindlassError {}
export class InvalidMediaType extends WindlassError {}
export class BodyNotSendable extends WindlassError {}
export class StateChanged extends WindlassError {}
export class StateFull extends WindlassError {}
export class SafetyNumberMismatch extends WindlassError {}
export class SafetyNumberInvalid extends WindlassError {}
export class BacklogFull extends WindlassError {}
export class EnvelopeMalformed extends WindlassError {}
export class NotForThisDevice extends WindlassError {}
export class NotForThisSession extends WindlassError {}
export class Undecryptable extends WindlassError {}
export class HandOverUnreadable extends WindlassError {}
export class HandOverTooOld extends WindlassError {}
export class HandOverNewer extends WindlassError {}

/** The class of each code; a test holds it against the one table of the core. */
export const ERRORS = {
  invalid_address: InvalidAddress,
  invalid_key: InvalidKey,
  invalid_key_length: InvalidKeyLength,
  no_secret_half: NoSecretHalf,
  bundle_malformed: BundleMalformed,
  bundle_signature: BundleSignature,
  bundle_expired: BundleExpired,
  bundle_from_the_future: BundleFromTheFuture,
  own_bundle: OwnBundle,
  uri_not_windlass: UriNotWindlass,
  uri_unknown_kind: UriUnknownKind,
  uri_damaged: UriDamaged,
  uri_incomplete: UriIncomplete,
  identity_mismatch: IdentityMismatch,
  invitation_used: InvitationUsed,
  not_in_person: NotInPerson,
  link_refused: LinkRefused,
  link_over: LinkOver,
  link_too_early: LinkTooEarly,
  link_answered: LinkAnswered,
  link_other_device: LinkOtherDevice,
  picture_unreadable: PictureUnreadable,
  picture_too_large: PictureTooLarge,
  no_qr_code: NoQrCode,
  too_long_for_qr_code: TooLongForQrCode,
  unsupported_version: UnsupportedVersion,
  store_exists: StoreExists,
  store_not_found: StoreNotFound,
  wrong_key: WrongKey,
  empty_passphrase: EmptyPassphrase,
  key_unreadable: KeyUnreadable,
  not_a_store: NotAStore,
  store_damaged: StoreDamaged,
  store_locked: StoreLocked,
  store_newer_version: StoreNewerVersion,
  store_moved: StoreMoved,
  copy_unfinished: CopyUnfinished,
  disk_full: DiskFull,
  key_slots_missing: KeySlotsMissing,
  key_slots_damaged: KeySlotsDamaged,
  key_slots_mismatch: KeySlotsMismatch,
  not_a_backup: NotABackup,
  backup_damaged: BackupDamaged,
  store_closed: StoreClosed,
  forked: Forked,
  key_derivation: KeyDerivation,
  dangling_link: DanglingLink,
  hard_link: HardLink,
  locks_unsupported: LocksUnsupported,
  file_not_found: FileNotFound,
  file_exists: FileExists,
  file_unusable: FileUnusable,
  file_system: FileSystem,
  database_address: DatabaseAddress,
  database_rights: DatabaseRights,
  database_untrusted: DatabaseUntrusted,
  database_lost: DatabaseLost,
  database_read_only: DatabaseReadOnly,
  steps_collide: StepsCollide,
  database_failed: DatabaseFailed,
  vault_lost: VaultLost,
  vault_sealed: VaultSealed,
  vault_rights: VaultRights,
  vault_key: VaultKey,
  no_randomness: NoRandomness,
  cancelled: Cancelled,
  identity_missing: IdentityMissing,
  identity_exists: IdentityExists,
  unknown_contact: UnknownContact,
  own_address: OwnAddress,
  no_bundle: NoBundle,
  contact_blocked: ContactBlocked,
  contact_not_verified: ContactNotVerified,
  too_many_devices: TooManyDevices,
  unknown_device: UnknownDevice,
  unknown_message: UnknownMessage,
  unknown_cursor: UnknownCursor,
  unknown_group: UnknownGroup,
  not_an_admin: NotAnAdmin,
  not_a_member: NotAMember,
  group_refused: GroupRefused,
  not_the_author: NotTheAuthor,
  attachment_damaged: AttachmentDamaged,
  content_too_large: ContentTooLarge,
  invalid_content: InvalidContent,
  invalid_media_type: InvalidMediaType,
  body_not_sendable: BodyNotSendable,
  state_changed: StateChanged,
  state_full: StateFull,
  safety_number_mismatch: SafetyNumberMismatch,
  safety_number_invalid: SafetyNumberInvalid,
  backlog_full: BacklogFull,
  envelope_malformed: EnvelopeMalformed,
  not_for_this_device: NotForThisDevice,
  not_for_this_session: NotForThisSession,
  undecryptable: Undecryptable,
  hand_over_unreadable: HandOverUnreadable,
  hand_over_too_old: HandOverTooOld,
  hand_over_newer: HandOverNewer,
} as const;

/** The code of an error. */
export type ErrorCode = keyof typeof ERRORS;

/** That a client is used after its `close`. */
export function closed(): StoreClosed {
  return new StoreClosed({
    message: "the store is closed",
    code: "store_closed",
    retry: false,
    advice: "Open the store again.",
  });
}

/** What was thrown as one of these classes, if the core said it; else as it is, for it is a fault of a program. */
export function typed(thrown: unknown): unknown {
  if (thrown instanceof WindlassError || !isSaid(thrown)) return thrown;
  const code = thrown.code;
  return new (Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : WindlassError)(thrown);
}

function isSaid(thrown: unknown): thrown is Said {
  return thrown instanceof Object && "code" in thrown && "retry" in thrown && "advice" in thrown && "message" in thrown;
}
