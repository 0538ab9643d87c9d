// What carries envelopes: a broker, from one tab alone; the others see what comes through the store.

import broker from "/broker.js";
import { MqttTransport } from "/windlass/mqtt.js";

const LONGEST_REST = 60_000;
/** What such an envelope is refused with is said again whenever it comes: it is of no use to this device. */
const USELESS = ["envelope_malformed", "unsupported_version", "not_for_this_device", "too_many_devices"];

/** Carries mail until `signal` is aborted. */
export async function carry(client, signal, tell) {
  await navigator.locks.request(`wire of ${client.address}`, { signal }, async () => {
    const transport = new MqttTransport(broker, { onTrouble: () => tell("offline") });
    const ended = new Promise((done) => signal.addEventListener("abort", done));
    await transport.start({
      address: client.address,
      deviceId: client.deviceId,
      secret: await client.transportSecret(),
      receive: async (envelope) => {
        tell("online");
        try {
          await client.receive(envelope);
        } catch (error) {
          if (!USELESS.includes(error.code)) throw error;
        }
      },
    });
    transport.publishBundle(await client.bundle()).then(() => tell("online"), () => tell("offline"));
    let wake = () => {};
    const unheard = client.onOutbox(() => wake());
    try {
      for (let rest = 1_000; !signal.aborted; ) {
        const news = new Promise((done) => (wake = done));
        const refused = await out(client, transport);
        rest = refused ? Math.min(2 * rest, LONGEST_REST) : 1_000;
        const rested = refused ? new Promise((done) => setTimeout(done, rest)) : news;
        await Promise.race([rested, news, ended]);
      }
    } finally {
      unheard();
      await transport.close();
    }
  });
}

/** Hands over what waits; whether any of it was refused. */
async function out(client, transport) {
  const refused = new Set();
  for (let after = 0; ; ) {
    const page = await client.outbox(after);
    if (page.length === 0) return refused.size > 0;
    for (const { id, to, bytes } of page) {
      after = id;
      // What is behind in the same line waits for it.
      if (refused.has(to)) continue;
      try {
        await transport.deliver(to, bytes);
        await client.markSent([id]);
      } catch {
        refused.add(to);
      }
    }
  }
}
