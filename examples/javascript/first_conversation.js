import { mkdtemp } from "node:fs/promises";

import { Client } from "windlass-chat";

const home = await mkdtemp("conversation-");
const alice = await Client.create(`${home}/alice`, { passphrase: "correct horse" });
const bob = await Client.create(`${home}/bob`, { passphrase: "battery staple" });
await alice.addContact(await bob.invitation()); // by QR code, link or mail
for (const envelope of (await alice.send(bob.address, "Ahoy!")).envelopes) { // over any transport
  for (const event of await bob.receive(envelope.bytes)) console.log(event);
}
await alice.close();
await bob.close();
