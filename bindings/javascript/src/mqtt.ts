/** Mail over any MQTT broker: a persistent session is the mailbox, a retained message the bundle. It needs the package `mqtt`. */

// What the package brings for browsers has this export alone.
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";

import { bytes, text } from "./given.js";
import type { Mailbox, Transport } from "./transport.js";

/** How many seconds a broker keeps mail for a device that is away. */
const KEEP_MAIL = 28 * 24 * 3600;
/** How many envelopes a broker may bring that are not acknowledged: a flood waits there and not in memory. */
const RECEIVE_MAXIMUM = 128;
const LARGEST_PACKET = 16 * 1024 * 1024 + 65_536;
/** The broker's answer that nobody keeps mail for an address. */
const NO_SUBSCRIBERS = 0x10;
/** What subscribing brings of retained messages. An envelope is none. */
const NEVER_RETAINED = 2;

/** What a transport may be told beside the URL. */
export interface MqttOptions extends Pick<IClientOptions, "ca" | "cert" | "key" | "password" | "username"> {
  /** Other topics than `windlass/v1`. */
  prefix?: string;
  /** Allows `mqtt://` to another machine: everybody on the way sees the password and who talks with whom. */
  cleartext?: boolean;
  /** Told when a connection cannot be had, or is gone. It is made again by itself. */
  onTrouble?: (error: Error) => void;
}

/** A device's session with a broker, for `mqtts://host`, `mqtt://localhost`, `wss://host/path`. */
export class MqttTransport implements Transport {
  readonly #url: URL;
  readonly #options: MqttOptions;
  #client: MqttClient | undefined;
  #address = "";
  /** What the broker answered last. `mqtt` tells a publisher of refusals alone, and that nobody keeps mail is none; it does so at once. */
  #answer: number | undefined;

  constructor(url: string, options: MqttOptions = {}) {
    this.#url = new URL(text(url));
    this.#options = options;
    const local = ["localhost", "127.0.0.1", "[::1]"].includes(this.#url.hostname);
    if (["mqtt:", "ws:"].includes(this.#url.protocol) && !local && options.cleartext !== true) {
      throw new TypeError("to another machine use mqtts:// or wss://, or allow { cleartext: true }");
    }
  }

  async start(mailbox: Mailbox): Promise<void> {
    await this.close();
    this.#address = mailbox.address;
    const { ca, cert, key, onTrouble, password, username } = this.#options;
    const client = mqtt.connect(this.#url.href, {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      // Without a user, with a password, the user is our address.
      ...(password === undefined ? {} : { password, username: username ?? mailbox.address }),
      protocolVersion: 5,
      clean: false,
      clientId: await clientId(mailbox),
      resubscribe: false,
      // The other timers of browsers are workers made of a text, which a strict policy forbids.
      timerVariant: "native",
      properties: {
        sessionExpiryInterval: KEEP_MAIL,
        receiveMaximum: RECEIVE_MAXIMUM,
        maximumPacketSize: LARGEST_PACKET,
      },
    });
    this.#client = client;
    const trouble = onTrouble ?? (() => {});
    client.on("error", trouble);
    client.on("packetreceive", (packet) => {
      if (packet.cmd === "puback") this.#answer = packet.reasonCode;
    });
    client.on("connect", () => {
      client.subscribe(this.#topic("inbox", mailbox.address), { qos: 1, rh: NEVER_RETAINED }, (error) => {
        if (error) trouble(error);
      });
    });
    // Answered to the broker when the store has it; until then it comes again.
    client.handleMessage = (packet, done) => {
      this.#came(mailbox, packet as IPublishPacket).then(
        () => done(),
        (error: Error) => {
          trouble(error);
          // Over the next connection, which follows by itself, the broker brings it once more. `reconnect` would wait for answers that nobody
          // reads any more.
          client.stream.destroy();
        },
      );
    };
  }

  async publishBundle(bundle: Uint8Array): Promise<void> {
    await this.#publish(this.#topic("bundle", this.#address), bundle, true);
  }

  async deliver(to: string, envelope: Uint8Array): Promise<void> {
    await this.#publish(this.#topic("inbox", text(to)), envelope, false);
  }

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.endAsync(true);
  }

  async #came(mailbox: Mailbox, packet: IPublishPacket): Promise<void> {
    // A retained one would come with each connection.
    if (packet.retain || packet.topic !== this.#topic("inbox", mailbox.address)) return;
    await mailbox.receive(new Uint8Array(packet.payload as Buffer));
  }

  async #publish(topic: string, payload: Uint8Array, retain: boolean): Promise<void> {
    const client = this.#client;
    if (client === undefined) throw new Error("the transport is not started");
    const properties = retain ? {} : { messageExpiryInterval: KEEP_MAIL };
    // A browser has no buffers of Node's; what is written is bytes in any case.
    const given = bytes(payload) as Buffer;
    await new Promise<void>((done, failed) => {
      client.publish(topic, given, { qos: 1, retain, properties }, (error) => {
        if (error) failed(error);
        else if (this.#answer === NO_SUBSCRIBERS && !retain) failed(new Error("nobody keeps mail for this address"));
        else done();
      });
    });
  }

  #topic(kind: string, address: string): string {
    return `${this.#options.prefix ?? "windlass/v1"}/${kind}/${address}`;
  }
}

/** Nobody else may know it: with it, whoever is let in has our mailbox. 23 characters are what every broker takes. */
async function clientId(mailbox: Mailbox): Promise<string> {
  const hash = { name: "HMAC", hash: "SHA-256" };
  const secret = await crypto.subtle.importKey("raw", new Uint8Array(mailbox.secret), hash, false, ["sign"]);
  const said = new TextEncoder().encode(`mqtt client id ${mailbox.address}/${mailbox.deviceId}`);
  const code = new Uint8Array(await crypto.subtle.sign("HMAC", secret, said));
  const digits = Array.from(code, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `wl${digits.slice(0, 21)}`;
}
