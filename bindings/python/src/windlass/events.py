"""What `Client.receive` answers: one class for each kind of event.

    for event in client.receive(envelope):
        match event:
            case events.Message(message=message): print(message.text)
            case events.Duplicate(): pass
"""

from windlass._native import Event, UndecryptableCause

Message = Event.MESSAGE
Delivered = Event.DELIVERED
Duplicate = Event.DUPLICATE
ContactRequest = Event.CONTACT_REQUEST
SessionEstablished = Event.SESSION_ESTABLISHED
Undecryptable = Event.UNDECRYPTABLE
RollbackNoticed = Event.ROLLBACK_NOTICED

__all__ = [
    "ContactRequest",
    "Delivered",
    "Duplicate",
    "Event",
    "Message",
    "RollbackNoticed",
    "SessionEstablished",
    "Undecryptable",
    "UndecryptableCause",
]
