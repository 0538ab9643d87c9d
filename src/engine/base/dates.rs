//! Every date in a row, and by which rule a date is harmless that a clock wrote which was wrong (RFC windlass §8.7). A test compares the list with
//! the fields of `proto/windlass/store/v1/rows.proto`.

/// What is done about a date that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// [`crate::due::is_over`]: an interval that begins ahead of now is over.
    Interval,
    /// [`crate::due::has_come`]: a moment that is further ahead than it can have been set has come.
    Moment,
    /// [`super::clock::Clock::may_erase`], and [`crate::due::pull_back`]: what is kept from then on is kept from now on.
    Kept,
    /// `history/redating.rs`: the date is read as it was meant, and written anew when it counts.
    Redated,
    /// [`crate::due::takes_place`]: of two the later counts, and any that does not lie ahead of now before one that does.
    Newest,
    /// `bundle::takes_place_of` and equality: times of issue, in seconds.
    Issued,
    /// [`crate::due::was_by`]: what somebody is known since counts as past where it lies ahead of now; days ahead of today are passed over.
    Known,
    /// People see it, and nothing depends on it.
    Shown,
    /// It is what the others are compared with.
    Clock,
    /// [`super::clock::Clock::comes_to`]: a moment that the user chose is as far from when it was chosen as it was then.
    Chosen,
    /// An author gave it to a message, and it is compared with what authors give alone.
    Said,
}

/// Message, field, rule.
pub(crate) const DATES: &[(&str, &str, Rule)] = &[
    ("SignedPrekeyRow", "created_at", Rule::Interval),
    ("SignedPrekeyRow", "retired_at", Rule::Kept),
    ("OneTimePrekeyRow", "created_at", Rule::Kept),
    ("ContactRow", "added_at", Rule::Shown),
    ("ContactRow", "window_start", Rule::Interval),
    ("ContactRow", "waits_since", Rule::Kept),
    ("ContactRow", "wrote_at", Rule::Moment),
    ("ContactRow", "profile_sent_at", Rule::Interval),
    ("ProfileRow", "changed_at", Rule::Newest),
    ("ProfileRoundRow", "rested_at", Rule::Interval),
    ("RemovedRow", "removed_at", Rule::Interval),
    ("OwnBundleRow", "issued_at", Rule::Issued),
    ("ClockStretchRow", "begin", Rule::Clock),
    ("ClockStretchRow", "last", Rule::Clock),
    ("ClockCorrectionRow", "from", Rule::Clock),
    ("ClockCorrectionRow", "to", Rule::Clock),
    ("OwnDeviceRow", "issued_at", Rule::Issued),
    ("OwnDeviceRow", "added_at", Rule::Interval),
    ("OwnDeviceRow", "last_seen", Rule::Shown),
    ("OwnDeviceRow", "updated_at", Rule::Interval),
    ("LinkingRow", "begun_at", Rule::Interval),
    ("JoiningRow", "begun_at", Rule::Interval),
    ("PendingLinkRow", "expires_at", Rule::Moment),
    ("UnacknowledgedRow", "written_at", Rule::Kept),
    ("UnacknowledgedRow", "due_at", Rule::Moment),
    ("UnacknowledgedRow", "sent_at", Rule::Interval),
    ("AskedRow", "moved_at", Rule::Interval),
    ("HeldRow", "held_at", Rule::Interval),
    ("HeldCountRow", "looked_at", Rule::Interval),
    ("HealingRow", "asked_at", Rule::Interval),
    ("HealingRow", "day_start", Rule::Interval),
    ("HealingRow", "gap_since", Rule::Interval),
    ("HealingRow", "everybody_since", Rule::Interval),
    ("HealingRow", "link_expires_at", Rule::Moment),
    ("SessionRow", "created_at", Rule::Interval),
    ("SckaRow", "rests_since", Rule::Interval),
    ("SkippedKeyRow", "skipped_at", Rule::Kept),
    ("ConversationRow", "last_activity", Rule::Redated),
    ("FloorRow", "until", Rule::Said),
    ("FloorRow", "changed_at", Rule::Kept),
    ("ReadByRow", "at", Rule::Shown),
    ("MessageRow", "stored_at", Rule::Redated),
    ("DeliveredRow", "at", Rule::Shown),
    ("MessageRow", "expires_at", Rule::Redated),
    ("ScheduledRow", "send_at", Rule::Chosen),
    ("ScheduledRow", "set_at", Rule::Chosen),
    ("FeedRow", "told_at", Rule::Kept),
    ("FeedStateRow", "dropped_at", Rule::Shown),
    ("GroupMemberRow", "since", Rule::Interval),
    ("FormerMemberRow", "since", Rule::Interval),
    ("GroupViewRow", "asked_at", Rule::Interval),
    ("GroupViewRow", "invited_at", Rule::Interval),
    ("GroupViewRow", "deleted_at", Rule::Interval),
    ("GroupViewRow", "compared_at", Rule::Interval),
    ("GroupLinkRow", "created_at", Rule::Shown),
    ("GroupLinkRow", "expires_at", Rule::Moment),
    ("GroupJoinRow", "asked_at", Rule::Interval),
    ("GroupJoinRow", "sent_at", Rule::Interval),
    ("WaitingEventRow", "since", Rule::Interval),
    ("MemberViewRow", "differs_since", Rule::Interval),
    ("MemberViewRow", "asked_at", Rule::Interval),
    ("MemberViewRow", "day_start", Rule::Interval),
    ("HealingKeyRow", "day", Rule::Known),
    ("HealingKeyRow", "since", Rule::Known),
    ("PairRow", "held_day", Rule::Known),
    ("HealingRootRow", "day", Rule::Known),
    ("HealingRootRow", "ran_day", Rule::Known),
    ("HealingRootRow", "hold_until", Rule::Known),
    ("OwnDeviceRow", "linked_at", Rule::Known),
    ("OwnDeviceRow", "shown_at", Rule::Known),
    ("PendingLinkRow", "closed_at", Rule::Known),
    ("PairRow", "acknowledged_day", Rule::Known),
    ("PairRow", "acknowledge_day", Rule::Known),
    ("PairRow", "acknowledged_bundle_at", Rule::Issued),
    ("PairRow", "acknowledge_bundle_at", Rule::Issued),
    ("PairRow", "signed_prekey_since", Rule::Known),
    ("SessionRow", "known_since", Rule::Known),
    ("BackupSummary", "made_at", Rule::Shown),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a field of numbers looks like a date.
    fn is_date(name: &str) -> bool {
        let parts: Vec<&str> = name.split('_').collect();
        let words = [
            "at", "since", "start", "last", "seen", "activity", "day", "days", "begin", "from",
            "until", "to", "date", "time",
        ];
        // Clocks of messages, and counts of something since a date.
        let is_count = ["lamport", "today", "left"]
            .iter()
            .any(|word| parts.contains(word));
        !is_count && parts.iter().any(|part| words.contains(part))
    }

    #[test]
    fn every_date_in_a_row_has_a_rule() {
        let proto = include_str!("../../../proto/windlass/store/v1/rows.proto");
        let (mut message, mut found) = ("", Vec::new());
        for line in proto.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("message ") {
                message = rest.trim_end_matches([' ', '{']);
            }
            let line = line.strip_prefix("repeated ").unwrap_or(line);
            let mut words = line.split_whitespace();
            let kind = words.next().unwrap_or_default();
            let number = ["uint64", "uint32", "fixed64", "int64"].contains(&kind);
            if let Some(name) = words.next().filter(|name| number && is_date(name)) {
                found.push((message, name));
            }
        }
        let mut listed: Vec<_> = DATES.iter().map(|(row, field, _)| (*row, *field)).collect();
        found.sort_unstable();
        listed.sort_unstable();
        assert_eq!(
            found, listed,
            "the dates of rows.proto, and DATES: each needs a rule"
        );
    }
}
