/** What a transport is. */

/** Whose mail a transport carries. */
export interface Mailbox {
  address: string;
  deviceId: number;
  /** 32 bytes that nobody else knows, the same at each start: for names and passwords that follow from nothing in an invitation. */
  secret: Uint8Array;
  /**
   * Takes an envelope that came. Fulfilled, it is durable, and the transport may forget it; rejected, it is to come again. Waits as long as
   * there is no room.
   */
  receive(envelope: Uint8Array): Promise<void>;
}

/** What carries envelopes. It may reorder, delay, repeat and lose them. */
export interface Transport {
  /** Opens the mailbox. Does not wait for a connection; what needs one waits for it. */
  start(mailbox: Mailbox): Promise<void>;
  /** Puts our bundle where others find it by our address. */
  publishBundle(bundle: Uint8Array): Promise<void>;
  /** Fulfilled when the transport has the envelope for good. */
  deliver(to: string, envelope: Uint8Array): Promise<void>;
  /** Mail that comes from now on waits. */
  close(): Promise<void>;
}
