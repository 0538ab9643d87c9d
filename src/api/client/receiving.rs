//! Taking in what the transport delivered.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Client, Stop};
use crate::api::error::of_envelope;
use crate::api::{Bytes, Event, Result, WindlassError};
use crate::engine::history::backlog;
use crate::engine::steps::receive;
use crate::engine::sync::outcome::Outcome;
use crate::engine::sync::receipts;
use crate::session::Envelope;

/// What became of one envelope of `receive_many`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
pub struct Received {
    /// What it brought.
    pub events: Vec<Event>,
    /// The code of the error that `receive` would have raised for it.
    pub refused: Option<String>,
    /// For `events_handled`, once all these events were handled; nothing if none of them is kept.
    pub cursor: Option<String>,
}

#[cfg_attr(feature = "uniffi", uniffi::export)]
impl Client {
    /// Takes in an envelope that the transport delivered. Whatever the events tell is durable.
    ///
    /// Bytes that are no envelope, or not for this device, are an error; an envelope that cannot be decrypted is an event.
    /// `BacklogFull`: nothing of it was taken in, and it is to come again when messages were handled.
    pub fn receive(&self, envelope: Bytes) -> Result<Vec<Event>> {
        let envelope = Envelope::decode(&envelope).map_err(of_envelope)?;
        self.check_room()?;
        let brought = self.receive_one(&envelope, |_| Ok(()))?;
        let mut events = self.untold();
        events.extend(brought);
        Ok(events)
    }

    /// Takes in several envelopes in one transaction, and acknowledges them together. The answers are in the same order.
    pub fn receive_many(&self, envelopes: Vec<Bytes>) -> Result<Vec<Received>> {
        let own = self.device.public();
        self.check_room()?;
        let mut answers = self.write(|step| {
            let mut answers = Vec::with_capacity(envelopes.len());
            let mut to_acknowledge = Vec::new();
            for bytes in &envelopes {
                let processed = Envelope::decode(bytes)
                    .map_err(of_envelope)
                    .and_then(|envelope| Ok(receive::receive(step, &envelope)?));
                answers.push(match processed {
                    Ok(processed) => {
                        to_acknowledge.extend(processed.acknowledge);
                        Received {
                            events: processed
                                .outcomes
                                .into_iter()
                                .map(|outcome| Event::from_outcome(outcome, &own))
                                .collect(),
                            refused: None,
                            cursor: processed.cursor.map(|cursor| cursor.to_string()),
                        }
                    }
                    Err(error) if error.is_about_envelope() => Received {
                        events: Vec::new(),
                        refused: Some(error.code()),
                        cursor: None,
                    },
                    Err(error) => return Err(error),
                });
            }
            receipts::acknowledge(step, &to_acknowledge)?;
            Ok(answers)
        })?;
        if let Some(first) = answers.first_mut() {
            let mut events = self.untold();
            events.append(&mut first.events);
            first.events = events;
        }
        Ok(answers)
    }
}

impl Client {
    /// As long as too much waits to be handled, the transport keeps what comes.
    fn check_room(&self) -> Result<()> {
        if self.read(|rows| Ok(backlog::is_full(rows)?))? {
            return Err(WindlassError::BacklogFull);
        }
        Ok(())
    }

    /// Receives one envelope, unless `check` refuses what it brought; then nothing has happened.
    pub(in crate::api) fn receive_one(
        &self,
        envelope: &Envelope,
        check: impl Fn(&[Outcome]) -> Result<()>,
    ) -> Result<Vec<Event>> {
        let own = self.device.public();
        let written = self.write(|step| {
            let processed = receive::receive(step, envelope)?;
            check(&processed.outcomes)?;
            if !processed.changed {
                return Err(Stop::Unchanged(processed.outcomes));
            }
            let acknowledge: Vec<_> = processed.acknowledge.into_iter().collect();
            receipts::acknowledge(step, &acknowledge)?;
            Ok(processed.outcomes)
        });
        let outcomes = match written {
            Ok(outcomes) | Err(Stop::Unchanged(outcomes)) => outcomes,
            Err(Stop::Error(error)) => return Err(error),
        };
        Ok(outcomes
            .into_iter()
            .map(|outcome| Event::from_outcome(outcome, &own))
            .collect())
    }

    /// What was not told yet.
    fn untold(&self) -> Vec<Event> {
        let mut events = Vec::new();
        if self.rollback_to_tell.swap(false, Ordering::Relaxed) {
            events.push(Event::RollbackNoticed);
        }
        events.append(&mut self.to_tell.lock().unwrap_or_else(PoisonError::into_inner));
        events
    }

    /// What a call brought that has no events of its own.
    pub(in crate::api) fn tell_outcomes_later(&self, outcomes: Vec<Outcome>) {
        let own = self.device.public();
        let events = outcomes.into_iter();
        self.tell_later(events.map(|one| Event::from_outcome(one, &own)).collect());
    }

    pub(in crate::api) fn tell_later(&self, events: Vec<Event>) {
        let mut to_tell = self.to_tell.lock().unwrap_or_else(PoisonError::into_inner);
        to_tell.extend(events);
    }
}
