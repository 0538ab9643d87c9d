"""Meet somebody: show a code, read a code, compare.

    python meet.py

Bob shows his code on a screen, Alice's camera sees it, and a message goes both ways. Then Bob scans Alice's safety code, so that both
know whom they talk to.
"""

import tempfile
from pathlib import Path

from windlass_chat import Client, qr_png, qr_read, qr_terminal


def carry(sender: Client, receiver: Client) -> None:
    """The transport of this example."""
    for envelope in sender.outbox():
        receiver.receive(envelope.bytes)
        sender.mark_sent([envelope.id])


def main() -> None:
    home = Path(tempfile.mkdtemp())
    alice = Client.create(home / "alice.wl", passphrase="correct horse")
    bob = Client.create(home / "bob.wl", passphrase="battery staple")

    # Show a code: in a terminal, as a picture, or as SVG on a page.
    code = bob.in_person_code()
    print(qr_terminal(code))
    screen = home / "screen.png"
    screen.write_bytes(qr_png(code))

    # Read a code, as a camera sees it. Its owner is verified, for it was on their own screen.
    (seen,) = qr_read(screen.read_bytes())
    contact = alice.meet(seen)
    alice.send(contact.address, "Nice to meet you")
    carry(alice, bob)
    bob.send(alice.address(), "You too")
    carry(bob, alice)

    # Compare: the same digits and pictures on both sides, or one scans the other's safety code.
    ours, theirs = alice.session(bob.address()), bob.session(alice.address())
    number = ours.safety_number()
    print(" ".join(number[at : at + 5] for at in range(0, 60, 5)))
    print(" ".join(emoji.picture for emoji in theirs.safety_emoji()))
    theirs.verify_code(ours.safety_code())
    print("verified:", alice.contact(bob.address()).verified, bob.contact(alice.address()).verified)


if __name__ == "__main__":
    main()
