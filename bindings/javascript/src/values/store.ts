/** The store. */

/** Numbers about a store without secrets. */
export interface Inspection {
  schemaVersion: number;
  epoch: number;
  passphrase: boolean;
  tables: { table: string; rows: number }[];
  dirtyBuckets: number;
  fileBytes: number;
  /** Whether the key slots are in a database; never so in a browser or in Node. */
  slotsInDatabase: boolean;
  /** Whether they are sealed by a key in Vault; never so here either. */
  slotsInVault: boolean;
}

export interface ShredReport {
  buckets: number;
  rows: number;
}
