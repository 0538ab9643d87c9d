/** People, their devices, and what protects a conversation with them. */

import type { UndecryptableCause } from "./events.js";

/** Somebody we know. */
export interface Contact {
  address: string;
  addedAt: Date;
  /** True when we added their bundle, false when they wrote first. */
  addedByUs: boolean;
  /** True when we want to talk with them. */
  accepted: boolean;
  /** True when they belong to a group of ours, or are whom a contact goes on as. */
  introduced: boolean;
  blocked: boolean;
  /** True when the safety number was compared. */
  verified: boolean;
  /** The address that they said they go on as. */
  movedTo: string | null;
  devices: number[];
  /** From when on no new session can be begun with the bundle we have. */
  bundleExpiresAt: Date | null;
  /** Where they stand in the list of contacts, for `contactPage`. */
  position: number;
}

/** To whom anything is sent. */
export type TrustPolicy = "firstUse" | "verifiedOnly" | "acceptAll";

/** A picture of a safety number, and its name in English. */
export interface SafetyEmoji {
  picture: string;
  name: string;
}

export interface SessionStatus {
  state: "fresh" | "pending" | "established" | "desynced" | "healing" | "needsBundle";
  cause: UndecryptableCause | null;
  attempts: number;
}

/** What protects a message beside X25519: nothing, a secret that came with a code, ML-KEM in the handshake, ML-KEM in the ratchet. */
export type PostQuantum = "none" | "secret" | "kem" | "ratchet";

/** A device of our own identity. */
export interface DeviceInfo {
  deviceId: number;
  thisDevice: boolean;
  addedAt: Date | null;
  lastSeen: Date | null;
  /** False for one that merely turned up with the identity's key: as somebody who stole it would. */
  linked: boolean;
}

/** What both devices show before anything secret leaves. */
export interface LinkCheck {
  address: string;
  digits: string;
  emoji: SafetyEmoji[];
}

export interface PendingLink {
  answer: string;
  check: LinkCheck | null;
  endsAt: Date;
}

/** What a text or a picture invites to. */
export interface FoundContact {
  address: string;
  /** The bundle, for `addContact`; `null` if there is the address alone. */
  bundle: Uint8Array | null;
}

/** What the codes of a picture say. */
export interface CodeProgress {
  have: number;
  of: number;
  /** The whole URI, once all codes were read. */
  uri: string | null;
}

/** What somebody says of themselves: a name of one line, some lines, and a picture of PNG, JPEG or WebP. */
export interface Profile {
  name: string;
  about: string;
  picture: Uint8Array | null;
}
