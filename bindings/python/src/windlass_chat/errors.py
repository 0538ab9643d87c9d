"""Every error, as an exception of its own name. All are a `WindlassError`.

    try:
        client = Client.open("bot.wl", passphrase=typed)
    except windlass_chat.WrongKey as error:
        print(error.code, error.retry, error.advice)

Whichever is raised, nothing has changed, in memory or on disk.
"""

from windlass_chat._described import code_of, describe
from windlass_chat._native import WindlassError, error_info


def _code(error: WindlassError) -> str:
    """The stable code: the name of the class in snake case."""
    return code_of(type(error))


def _retry(error: WindlassError) -> bool:
    """True when the same call may succeed later without anyone's doing."""
    info = error_info(_code(error))
    return info is not None and info.retry


def _advice(error: WindlassError) -> str:
    """What to do."""
    info = error_info(_code(error))
    return info.advice if info is not None else ""


setattr(WindlassError, "code", property(_code))
setattr(WindlassError, "retry", property(_retry))
setattr(WindlassError, "advice", property(_advice))
describe()

InvalidAddress = WindlassError.InvalidAddress
InvalidKey = WindlassError.InvalidKey
InvalidKeyLength = WindlassError.InvalidKeyLength
NoSecretHalf = WindlassError.NoSecretHalf
BundleMalformed = WindlassError.BundleMalformed
BundleSignature = WindlassError.BundleSignature
BundleExpired = WindlassError.BundleExpired
BundleFromTheFuture = WindlassError.BundleFromTheFuture
OwnBundle = WindlassError.OwnBundle
UriNotWindlass = WindlassError.UriNotWindlass
UriUnknownKind = WindlassError.UriUnknownKind
UriDamaged = WindlassError.UriDamaged
UriIncomplete = WindlassError.UriIncomplete
IdentityMismatch = WindlassError.IdentityMismatch
InvitationUsed = WindlassError.InvitationUsed
NotInPerson = WindlassError.NotInPerson
PictureUnreadable = WindlassError.PictureUnreadable
PictureTooLarge = WindlassError.PictureTooLarge
NoQrCode = WindlassError.NoQrCode
TooLongForQrCode = WindlassError.TooLongForQrCode
UnsupportedVersion = WindlassError.UnsupportedVersion
StoreExists = WindlassError.StoreExists
StoreNotFound = WindlassError.StoreNotFound
WrongKey = WindlassError.WrongKey
EmptyPassphrase = WindlassError.EmptyPassphrase
KeyUnreadable = WindlassError.KeyUnreadable
NotAStore = WindlassError.NotAStore
StoreDamaged = WindlassError.StoreDamaged
StoreLocked = WindlassError.StoreLocked
StoreNewerVersion = WindlassError.StoreNewerVersion
StoreMoved = WindlassError.StoreMoved
CopyUnfinished = WindlassError.CopyUnfinished
DiskFull = WindlassError.DiskFull
KeySlotsMissing = WindlassError.KeySlotsMissing
KeySlotsDamaged = WindlassError.KeySlotsDamaged
KeySlotsMismatch = WindlassError.KeySlotsMismatch
NotABackup = WindlassError.NotABackup
BackupDamaged = WindlassError.BackupDamaged
StoreClosed = WindlassError.StoreClosed
Forked = WindlassError.Forked
KeyDerivation = WindlassError.KeyDerivation
DanglingLink = WindlassError.DanglingLink
HardLink = WindlassError.HardLink
LocksUnsupported = WindlassError.LocksUnsupported
FileNotFound = WindlassError.FileNotFound
FileExists = WindlassError.FileExists
FileUnusable = WindlassError.FileUnusable
FileSystem = WindlassError.FileSystem
DatabaseAddress = WindlassError.DatabaseAddress
DatabaseRights = WindlassError.DatabaseRights
DatabaseUntrusted = WindlassError.DatabaseUntrusted
DatabaseLost = WindlassError.DatabaseLost
DatabaseReadOnly = WindlassError.DatabaseReadOnly
StepsCollide = WindlassError.StepsCollide
DatabaseFailed = WindlassError.DatabaseFailed
VaultLost = WindlassError.VaultLost
VaultSealed = WindlassError.VaultSealed
VaultRights = WindlassError.VaultRights
VaultKey = WindlassError.VaultKey
NoRandomness = WindlassError.NoRandomness
Cancelled = WindlassError.Cancelled
IdentityMissing = WindlassError.IdentityMissing
IdentityExists = WindlassError.IdentityExists
UnknownContact = WindlassError.UnknownContact
OwnAddress = WindlassError.OwnAddress
NoBundle = WindlassError.NoBundle
ContactBlocked = WindlassError.ContactBlocked
ContactNotVerified = WindlassError.ContactNotVerified
UnknownMessage = WindlassError.UnknownMessage
UnknownCursor = WindlassError.UnknownCursor
UnknownGroup = WindlassError.UnknownGroup
NotAnAdmin = WindlassError.NotAnAdmin
NotAMember = WindlassError.NotAMember
GroupRefused = WindlassError.GroupRefused
NotTheAuthor = WindlassError.NotTheAuthor
AttachmentDamaged = WindlassError.AttachmentDamaged
ContentTooLarge = WindlassError.ContentTooLarge
InvalidContent = WindlassError.InvalidContent
InvalidMediaType = WindlassError.InvalidMediaType
BodyNotSendable = WindlassError.BodyNotSendable
StateChanged = WindlassError.StateChanged
StateFull = WindlassError.StateFull
SafetyNumberMismatch = WindlassError.SafetyNumberMismatch
BacklogFull = WindlassError.BacklogFull
SafetyNumberInvalid = WindlassError.SafetyNumberInvalid
EnvelopeMalformed = WindlassError.EnvelopeMalformed
NotForThisDevice = WindlassError.NotForThisDevice
NotForThisSession = WindlassError.NotForThisSession
Undecryptable = WindlassError.Undecryptable
HandOverUnreadable = WindlassError.HandOverUnreadable
HandOverTooOld = WindlassError.HandOverTooOld
HandOverNewer = WindlassError.HandOverNewer
TooManyDevices = WindlassError.TooManyDevices
UnknownDevice = WindlassError.UnknownDevice
LinkRefused = WindlassError.LinkRefused
LinkOver = WindlassError.LinkOver
LinkTooEarly = WindlassError.LinkTooEarly
LinkAnswered = WindlassError.LinkAnswered
LinkOtherDevice = WindlassError.LinkOtherDevice

__all__ = [
    "WindlassError",
    "InvalidAddress",
    "InvalidKey",
    "InvalidKeyLength",
    "NoSecretHalf",
    "BundleMalformed",
    "BundleSignature",
    "BundleExpired",
    "BundleFromTheFuture",
    "OwnBundle",
    "UriNotWindlass",
    "UriUnknownKind",
    "UriDamaged",
    "UriIncomplete",
    "IdentityMismatch",
    "InvitationUsed",
    "NotInPerson",
    "PictureUnreadable",
    "PictureTooLarge",
    "NoQrCode",
    "TooLongForQrCode",
    "UnsupportedVersion",
    "StoreExists",
    "StoreNotFound",
    "WrongKey",
    "EmptyPassphrase",
    "KeyUnreadable",
    "NotAStore",
    "StoreDamaged",
    "StoreLocked",
    "StoreNewerVersion",
    "StoreMoved",
    "CopyUnfinished",
    "DiskFull",
    "KeySlotsMissing",
    "KeySlotsDamaged",
    "KeySlotsMismatch",
    "NotABackup",
    "BackupDamaged",
    "StoreClosed",
    "Forked",
    "KeyDerivation",
    "DanglingLink",
    "HardLink",
    "LocksUnsupported",
    "FileNotFound",
    "FileExists",
    "FileUnusable",
    "FileSystem",
    "DatabaseAddress",
    "DatabaseRights",
    "DatabaseUntrusted",
    "DatabaseLost",
    "DatabaseReadOnly",
    "StepsCollide",
    "DatabaseFailed",
    "VaultLost",
    "VaultSealed",
    "VaultRights",
    "VaultKey",
    "NoRandomness",
    "Cancelled",
    "IdentityMissing",
    "IdentityExists",
    "UnknownContact",
    "OwnAddress",
    "NoBundle",
    "ContactBlocked",
    "ContactNotVerified",
    "UnknownMessage",
    "UnknownCursor",
    "UnknownGroup",
    "NotAnAdmin",
    "NotAMember",
    "GroupRefused",
    "NotTheAuthor",
    "AttachmentDamaged",
    "ContentTooLarge",
    "InvalidContent",
    "InvalidMediaType",
    "BodyNotSendable",
    "StateChanged",
    "StateFull",
    "SafetyNumberMismatch",
    "BacklogFull",
    "SafetyNumberInvalid",
    "EnvelopeMalformed",
    "NotForThisDevice",
    "NotForThisSession",
    "Undecryptable",
    "HandOverUnreadable",
    "HandOverTooOld",
    "HandOverNewer",
    "TooManyDevices",
    "UnknownDevice",
    "LinkRefused",
    "LinkOver",
    "LinkTooEarly",
    "LinkAnswered",
    "LinkOtherDevice",
]
