"""What `Client.receive` answers: one class for each kind of event.

    for event in client.receive(envelope):
        match event:
            case events.Message(message=message): print(message.text)
            case events.Duplicate(): pass
"""

from windlass_chat._native import Event, RefusalReason, UndecryptableCause

Message = Event.MESSAGE
Edited = Event.EDITED
Deleted = Event.DELETED
ConversationDeleted = Event.CONVERSATION_DELETED
ChatSettingsChanged = Event.CHAT_SETTINGS_CHANGED
ScheduledChanged = Event.SCHEDULED_CHANGED
Reacted = Event.REACTED
Pinned = Event.PINNED
Read = Event.READ
Typing = Event.TYPING
DisappearingChanged = Event.DISAPPEARING_CHANGED
GroupIncomplete = Event.GROUP_INCOMPLETE
GroupInvitation = Event.GROUP_INVITATION
GroupChanged = Event.GROUP_CHANGED
Refused = Event.REFUSED
Delivered = Event.DELIVERED
Duplicate = Event.DUPLICATE
ContactRequest = Event.CONTACT_REQUEST
SessionEstablished = Event.SESSION_ESTABLISHED
SessionHealed = Event.SESSION_HEALED
Healing = Event.HEALING
Resent = Event.RESENT
DevicesChanged = Event.DEVICES_CHANGED
IdentityChanged = Event.IDENTITY_CHANGED
Synchronising = Event.SYNCHRONISING
Blocked = Event.BLOCKED
Undecryptable = Event.UNDECRYPTABLE
ProfileChanged = Event.PROFILE_CHANGED
Presence = Event.PRESENCE
RollbackNoticed = Event.ROLLBACK_NOTICED
Missed = Event.MISSED

__all__ = [
    "Blocked",
    "ChatSettingsChanged",
    "ContactRequest",
    "ConversationDeleted",
    "Deleted",
    "Delivered",
    "DevicesChanged",
    "DisappearingChanged",
    "Duplicate",
    "Edited",
    "Event",
    "GroupChanged",
    "GroupIncomplete",
    "GroupInvitation",
    "Healing",
    "IdentityChanged",
    "Message",
    "Missed",
    "Pinned",
    "Presence",
    "ProfileChanged",
    "Reacted",
    "Read",
    "RefusalReason",
    "Refused",
    "Resent",
    "RollbackNoticed",
    "ScheduledChanged",
    "SessionEstablished",
    "SessionHealed",
    "Synchronising",
    "Typing",
    "Undecryptable",
    "UndecryptableCause",
]
