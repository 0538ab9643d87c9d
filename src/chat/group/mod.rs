//! Groups: a log of signed events, and the membership that follows from it (RFC windlass §9.6; 55/STATUS-1TO1-CHAT).
//!
//! Every event names the latest events that its author knew, so the log is a graph without cycles. Membership is a fold over it in an
//! order that everybody finds, whatever order the events came in.

mod compare;
mod event;
mod graph;
mod id;
mod link;
mod log;
mod membership;
mod permission;
mod settled;
mod view;

pub use event::{EventHash, GroupAction, GroupEvent, GroupEventError};
pub use id::GroupId;
pub use link::{GroupLinkToken, GroupTag};
pub use log::{GroupLog, Taken};
pub use membership::{Member, Membership};
pub use permission::{GroupPermission, GroupPermissions};
#[cfg(test)]
pub(crate) use tests::APPLIED;
pub use view::{GroupEventNames, GroupSync, GroupView};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
