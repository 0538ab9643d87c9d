"""Forward-secret chat for bots and apps.

    alice = Client.create("alice.wl", passphrase="correct horse")
    alice.add_contact(Bundle.from_uri(invitation))
    for envelope in alice.send(bob_address, "Ahoy!").envelopes:
        deliver(envelope.to, envelope.bytes)

Bytes out, bytes in: how they travel is up to you. What `send` returned and what `receive` told is durable.
"""

from windlass_chat import errors as errors
from windlass_chat import events as events
from windlass_chat._native import (
    AttachmentInfo,
    Body,
    Bundle,
    CodeProgress,
    CodeReader,
    Contact,
    ConversationSummary,
    DeviceInfo,
    ErrorInfo,
    Event,
    GroupChange,
    GroupChangeKind,
    GroupMember,
    Identity,
    Inspection,
    LinkCheck,
    Message,
    OutgoingEnvelope,
    OutgoingMessage,
    PendingLink,
    ProgressError,
    ProgressListener,
    Reaction,
    Received,
    RefusalReason,
    SafetyEmoji,
    SearchPage,
    Sent,
    Session,
    SessionState,
    SessionStatus,
    ShredReport,
    StoreKey,
    TableRows,
    TrustPolicy,
    UndecryptableCause,
    UnhandledMessage,
    error_info,
    qr_frames,
    qr_png,
    qr_read,
    qr_svg,
    qr_terminal,
)
from windlass_chat.client import AsyncClient, BytesLike, Client, DeviceLink
from windlass_chat.conversation import Attachment, Conversation
from windlass_chat.errors import *  # noqa: F403
from windlass_chat.errors import __all__ as _error_names
from windlass_chat.store import EncryptedStore, ProgressCallback

__all__ = [
    "AsyncClient",
    "Attachment",
    "AttachmentInfo",
    "Body",
    "Bundle",
    "BytesLike",
    "Client",
    "CodeProgress",
    "CodeReader",
    "Contact",
    "Conversation",
    "ConversationSummary",
    "DeviceInfo",
    "DeviceLink",
    "EncryptedStore",
    "ErrorInfo",
    "Event",
    "GroupChange",
    "GroupChangeKind",
    "GroupMember",
    "Identity",
    "Inspection",
    "LinkCheck",
    "Message",
    "OutgoingEnvelope",
    "OutgoingMessage",
    "PendingLink",
    "ProgressCallback",
    "ProgressError",
    "ProgressListener",
    "Reaction",
    "Received",
    "RefusalReason",
    "SafetyEmoji",
    "SearchPage",
    "Sent",
    "Session",
    "SessionState",
    "SessionStatus",
    "ShredReport",
    "StoreKey",
    "TableRows",
    "TrustPolicy",
    "UndecryptableCause",
    "UnhandledMessage",
    "error_info",
    "errors",
    "events",
    "qr_frames",
    "qr_png",
    "qr_read",
    "qr_svg",
    "qr_terminal",
]
__all__ += _error_names
