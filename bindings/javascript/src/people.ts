/** `People`: what a client does with contacts, and with the devices of its own identity. */

import type { Engine } from "./engine.js";
import * as given from "./given.js";
import { Session } from "./session.js";
import type { Contact, DeviceInfo, LinkCheck, PendingJoin, PendingLink, Profile, TrustPolicy } from "./values.js";

/** A client's contacts and devices. */
export class People {
  /** @internal */
  protected readonly engine: Engine;

  /** @internal */
  constructor(engine: Engine) {
    this.engine = engine;
  }

  // Invitations and contacts.

  /** An invitation for one person, as a URI for a message or a QR code (`qrSvg`). Show it once. */
  async invitation(): Promise<string> {
    return (await this.engine.ask("invitation")) as string;
  }

  /** A stock of invitations for one person each, made in one transaction. */
  async invitations(count: number): Promise<string[]> {
    return (await this.engine.ask("invitations", given.count(count))) as string[];
  }

  /** The same as a link to a web page (`https://`), with the post-quantum keys in it. */
  async invitationLink(page: string): Promise<string> {
    return (await this.engine.ask("invitationLink", given.text(page))) as string;
  }

  /** An invitation that any number of people may use: for a poster or a web page. */
  async publicInvitation(): Promise<string> {
    return (await this.engine.ask("poster")) as string;
  }

  /** Our reusable bundle, as bytes for a transport to publish. */
  async bundle(): Promise<Uint8Array> {
    return (await this.engine.ask("bundle")) as Uint8Array;
  }

  /** Adds whom an invitation is of: a text with its URI or link in it, or a bundle that a transport had. */
  async addContact(invitation: string | Uint8Array): Promise<Contact> {
    const added =
      typeof invitation === "string"
        ? this.engine.ask("addContact", given.text(invitation))
        : this.engine.ask("addBundle", given.bytes(invitation));
    return (await added) as Contact;
  }

  /**
   * Follows a link to a group: adds whoever made it, and asks them to be let in. When they let us in, we take part without another question, and the
   * event `GroupChanged` says so. A link that is of no use any more is never answered.
   */
  async joinByLink(link: string): Promise<Contact> {
    return (await this.engine.ask("joinByLink", given.text(link))) as Contact;
  }

  /** The groups that we asked to be let into and that have not come, the first first. */
  async pendingJoins(): Promise<PendingJoin[]> {
    return (await this.engine.ask("pendingJoins")) as PendingJoin[];
  }

  /** We want to be let into no group any more by this address. A group that comes all the same is an invitation like others. */
  async cancelJoin(address: string): Promise<void> {
    await this.engine.ask("cancelJoin", given.text(address));
  }

  /** A code to show to somebody who stands in front of us. Made anew for each person; never to be sent. */
  async inPersonCode(): Promise<string> {
    return (await this.engine.ask("inPersonCode")) as string;
  }

  /** Adds the person whose in-person code was scanned from their own screen, and marks them verified. */
  async meet(code: string): Promise<Contact> {
    return (await this.engine.ask("meet", given.text(code))) as Contact;
  }

  async contacts(): Promise<Contact[]> {
    return (await this.engine.ask("contacts")) as Contact[];
  }

  /** A page of the contacts in the order in which they came: the first, or those behind the `position` of one. The cost does not grow with their number. */
  async contactPage(options: { limit?: number; after?: number } = {}): Promise<Contact[]> {
    const after = given.number(options.after ?? 0);
    return (await this.engine.ask("contactPage", given.count(options.limit ?? 50), after)) as Contact[];
  }

  async contact(address: string): Promise<Contact> {
    return (await this.engine.ask("contact", given.text(address))) as Contact;
  }

  /** The user wants to talk with somebody who wrote first, or who was blocked. */
  async acceptContact(address: string): Promise<Contact> {
    return (await this.engine.ask("acceptContact", given.text(address))) as Contact;
  }

  /** Nothing of theirs is accepted, and nothing is sent to them. */
  async blockContact(address: string): Promise<Contact> {
    return (await this.engine.ask("blockContact", given.text(address))) as Contact;
  }

  /** Deletes a contact, the conversation and the sessions, on all our devices. */
  async removeContact(address: string): Promise<void> {
    await this.engine.ask("removeContact", given.text(address));
  }

  /** Deletes a contact and the sessions as `removeContact` does, and keeps the conversation to be read. */
  async removeContactOnly(address: string): Promise<void> {
    await this.engine.ask("removeContactOnly", given.text(address));
  }

  /** What we say of ourselves; nothing as long as nothing was set. */
  async profile(): Promise<Profile | undefined> {
    return (await this.engine.ask("profile")) as Profile | undefined;
  }

  /** Says something of ourselves, on all our devices, to the contacts whom we accepted and nobody else. An empty one takes it back. */
  async setProfile(profile: { name?: string; about?: string; picture?: Uint8Array }): Promise<void> {
    const picture = profile.picture === undefined ? undefined : given.bytes(profile.picture);
    await this.engine.ask("setProfile", given.text(profile.name ?? ""), given.text(profile.about ?? ""), picture);
  }

  /** What a contact says of themselves: a stranger's word, which proves nothing. */
  async profileOf(address: string): Promise<Profile | undefined> {
    return (await this.engine.ask("profileOf", given.text(address))) as Profile | undefined;
  }

  /** By what to show somebody, or a group: the user's own name for them, else the one they gave themselves, else the address. */
  async displayName(address: string): Promise<string> {
    return (await this.engine.ask("displayName", given.text(address))) as string;
  }

  async trustPolicy(): Promise<TrustPolicy> {
    return (await this.engine.ask("trustPolicy")) as TrustPolicy;
  }

  async setTrustPolicy(policy: TrustPolicy): Promise<void> {
    if (!["firstUse", "verifiedOnly", "acceptAll"].includes(policy)) throw new TypeError(`no trust policy: ${policy}`);
    await this.engine.ask("setTrustPolicy", policy);
  }

  /** The secure channel with an address: what to compare, and bare bytes. */
  session(address: string): Session {
    return new Session(this.engine, given.text(address));
  }

  /** Whether nothing is sent to whom only X25519 protects. */
  async requiresPostQuantum(): Promise<boolean> {
    return (await this.engine.ask("requiresPostQuantum")) as boolean;
  }

  async setRequiresPostQuantum(requires: boolean): Promise<void> {
    await this.engine.ask("setRequiresPostQuantum", given.flag(requires));
  }

  /** Whether others are told what the user has read. */
  async sendsReadReceipts(): Promise<boolean> {
    return (await this.engine.ask("sendsReadReceipts")) as boolean;
  }

  /** Off, `markRead` tells our own devices alone. Receipts of delivery cannot be switched off: without them what came would be sent again. */
  async setSendsReadReceipts(sends: boolean): Promise<void> {
    await this.engine.ask("setSendsReadReceipts", given.flag(sends));
  }

  /** Tells our contacts that we go on as whom this bundle is of; answers to how many. */
  async announceIdentity(bundle: Uint8Array): Promise<number> {
    return (await this.engine.ask("announceIdentity", given.bytes(bundle))) as number;
  }

  // Devices.

  /** The devices of our identity, this one first; at most 8. */
  async devices(): Promise<DeviceInfo[]> {
    return (await this.engine.ask("devices")) as DeviceInfo[];
  }

  /** Begins to link the new device whose code this is, scanned from its own screen; the code to show to it. */
  async linkDevice(code: string): Promise<string> {
    return (await this.engine.ask("linkDevice", given.text(code))) as string;
  }

  /** Takes the second code of the new device: what to compare with it. */
  async checkLink(reply: string): Promise<LinkCheck> {
    return (await this.engine.ask("checkLink", given.text(reply))) as LinkCheck;
  }

  /** The user has seen the same on both devices: our identity, sealed to the new one, as the code to show to it. */
  async confirmLink(): Promise<string> {
    return (await this.engine.ask("confirmLink")) as string;
  }

  async pendingLink(): Promise<PendingLink | null> {
    return (await this.engine.ask("pendingLink")) as PendingLink | null;
  }

  async cancelLink(): Promise<void> {
    await this.engine.ask("cancelLink");
  }

  /** Removes another device of ours for good. It still holds the identity; if it was stolen, begin anew. */
  async removeDevice(deviceId: number): Promise<void> {
    await this.engine.ask("removeDevice", given.count(deviceId));
  }
}
