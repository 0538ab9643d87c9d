//! What contacts, strangers and their clocks cannot do.

use super::*;
