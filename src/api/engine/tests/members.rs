//! What members of a group may not do to each other.

use super::*;
