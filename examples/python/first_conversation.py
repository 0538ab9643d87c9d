import tempfile

from windlass_chat import Client, Event

home = tempfile.mkdtemp()
alice = Client.create(f"{home}/alice.wl", passphrase="correct horse")
bob = Client.create(f"{home}/bob.wl", passphrase="battery staple")
alice.add_contact(bob.single_use_bundle())  # by QR code, link or mail
for envelope in alice.send(bob.address(), "Ahoy!").envelopes:  # over any transport
    for event in bob.receive(envelope.bytes):
        if isinstance(event, Event.MESSAGE):
            print(event.message.text)
