//! From what is to be sent to the envelopes that carry it.

pub(crate) mod budget;
pub(crate) mod envelopes;
pub(crate) mod post;
pub(crate) mod protection;
pub(crate) mod recipients;
pub(crate) mod resend;
