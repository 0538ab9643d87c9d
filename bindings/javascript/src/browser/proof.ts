/** That another tab opens a store by the same key: it shows so without saying it. */

/** As often as guessing a passphrase has to cost something; what is random needs none of it. */
const ROUNDS = 600_000;
const HMAC = { name: "HMAC", hash: "SHA-256", length: 256 };

/** What only follows from the key of a store. */
export class Proof {
  #key!: Promise<CryptoKey>;

  constructor(name: string, kind: string, key: Uint8Array<ArrayBuffer>) {
    this.become(name, kind, key);
  }

  /** Takes over `key`, which is wiped. */
  become(name: string, kind: string, key: Uint8Array<ArrayBuffer>): void {
    this.#key = derived(name, kind, key);
    // What cannot be derived proves nothing.
    this.#key.catch(() => {});
  }

  async answer(nonce: Uint8Array<ArrayBuffer>, tab: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await crypto.subtle.sign("HMAC", await this.#key, said(nonce, tab)));
  }

  async holds(answer: Uint8Array<ArrayBuffer>, nonce: Uint8Array<ArrayBuffer>, tab: string): Promise<boolean> {
    return await crypto.subtle.verify("HMAC", await this.#key, answer, said(nonce, tab));
  }
}

async function derived(name: string, kind: string, key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  try {
    const from = await crypto.subtle.importKey("raw", key, "PBKDF2", false, ["deriveKey"]);
    const salt = new TextEncoder().encode(`windlass tab ${kind} ${name}`);
    const way = { name: "PBKDF2", hash: "SHA-256", salt, iterations: kind === "key" ? 1 : ROUNDS };
    return await crypto.subtle.deriveKey(way, from, HMAC, false, ["sign", "verify"]);
  } finally {
    key.fill(0);
  }
}

function said(nonce: Uint8Array, tab: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...nonce, ...new TextEncoder().encode(tab)]);
}
