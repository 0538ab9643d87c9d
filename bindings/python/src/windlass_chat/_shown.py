"""What is printed, logged or quoted of what came says who, when and which; never what people wrote, nor what opens anything.

The generated classes would print all that they have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from windlass_chat._native import (
    AttachmentInfo,
    Body,
    ChatSettings,
    CodeProgress,
    ConversationSummary,
    Event,
    GroupChange,
    InvitationLink,
    LinkCheck,
    LinkPreview,
    ListedConversation,
    Message,
    OutgoingEnvelope,
    OutgoingFile,
    OutgoingMessage,
    PeekedMessage,
    PendingLink,
    Profile,
    Reaction,
    RichText,
    SearchPage,
    StateChange,
    StateDocument,
    TextRun,
    TypedCommand,
)

SHOWN: Mapping[type, tuple[str, ...]] = {
    AttachmentInfo: ("size",),
    ChatSettings: ("muted_until", "archived", "pinned", "marked_unread"),
    CodeProgress: ("have", "of"),
    ConversationSummary: ("address", "last_activity", "unread"),
    Event.GROUP_INVITATION: ("group", "by"),
    Event.REACTED: ("conversation", "author", "message_id", "by", "removed"),
    GroupChange: ("kind", "by", "members", "permission", "admins_only"),
    InvitationLink: ("id", "created_at", "expires_at", "uses_left"),
    LinkCheck: ("address",),
    LinkPreview: (),
    ListedConversation: ("address", "last_activity", "unread"),
    Message: ("id", "conversation", "author", "outgoing", "body", "reply_to", "sent_at", "deleted", "edited"),
    OutgoingEnvelope: ("id", "to"),
    OutgoingFile: (),
    Profile: (),
    OutgoingMessage: ("to", "body", "reply_to"),
    PeekedMessage: ("id", "conversation", "author", "body", "sent_at", "muted"),
    PendingLink: ("ends_at",),
    Reaction: ("by",),
    RichText: ("spans", "forward", "preview"),
    SearchPage: ("messages",),
    StateChange: ("owner",),
    StateDocument: (),
    TextRun: ("styles",),
    TypedCommand: (),
}
"""What is said of each."""

COUNTED: Mapping[type, tuple[str, str]] = {
    Body.TEXT: ("text", "characters"),
    Body.DATA: ("data", "bytes"),
    Body.OPAQUE: ("data", "bytes"),
}
"""How much it is, and nothing else."""


def _fields(kind: type, names: tuple[str, ...]) -> Callable[[object], str]:
    return lambda one: f"{kind.__qualname__}({', '.join(f'{name}={getattr(one, name)}' for name in names)})"


def _counted(kind: type, field: str, what: str) -> Callable[[object], str]:
    return lambda one: f"{kind.__qualname__}({len(getattr(one, field))} {what})"


for _kind, _names in SHOWN.items():
    _shown = _fields(_kind, _names)
    setattr(_kind, "__str__", _shown)
    setattr(_kind, "__repr__", _shown)

for _kind, (_field, _what) in COUNTED.items():
    _shown = _counted(_kind, _field, _what)
    setattr(_kind, "__str__", _shown)
    setattr(_kind, "__repr__", _shown)
