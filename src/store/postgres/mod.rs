//! Stores in a PostgreSQL database, for one identity on several machines (docs/store.md, "In a database").
//!
//! The same rows as in a file, sealed by the same tree of keys. A step reads from what this process knows and from the server, and is written in one
//! SERIALIZABLE transaction that first finds whether all it read is still so; it runs again where it is not, or where another one was in the way. The
//! database's order of transactions is all that keeps processes apart, but for what replaces keys.

mod address;
mod checked;
mod claims;
mod connection;
mod copying;
mod engine;
mod glance;
mod host;
mod keys;
mod known;
mod lifecycle;
mod login;
mod looking;
mod new_rows;
mod pool;
mod reads;
mod replacing;
mod running;
mod schema;
mod slots;
mod snapshot;
mod source;
mod span;
mod state;
mod step;
mod stream;
mod tls;
mod trouble;
mod vault;
mod working;
mod writing;

pub use address::Address;
pub use engine::Effort;
pub use state::Postgres;
