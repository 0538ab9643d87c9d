//! What others say of messages never makes a conversation unreadable.

use super::*;
