//! What clients do with each other, wherever their stores are.

use std::sync::Arc;

use windlass::{
    Body, Client, Conversation, Event, Inspection, OutgoingEnvelope, OutgoingMessage, Result,
    Session,
};

/// `from` has the other's single-use bundle; the other knows nothing yet.
pub fn invite(from: &Client, to: &Client) {
    from.add_contact(&to.single_use_bundle().unwrap()).unwrap();
}

/// Both have the other's bundle.
pub fn acquaint(a: &Client, b: &Client) {
    for (ours, theirs) in [(a, b), (b, a)] {
        ours.add_contact(&theirs.bundle().unwrap()).unwrap();
    }
}

pub fn conversation(of: &Arc<Client>, with: &Client) -> Arc<Conversation> {
    Arc::clone(of).conversation(with.address()).unwrap()
}

pub fn session(of: &Arc<Client>, with: &Client) -> Arc<Session> {
    Arc::clone(of).session(with.address()).unwrap()
}

/// Every text of a conversation, the oldest first.
pub fn texts(of: &Arc<Client>, with: &Client) -> Vec<String> {
    texts_in(&conversation(of, with))
}

pub fn texts_in(conversation: &Conversation) -> Vec<String> {
    let messages = conversation.messages(100_000, None).unwrap();
    messages.into_iter().filter_map(|m| m.text).collect()
}

pub fn text_to(to: &str, text: &str) -> OutgoingMessage {
    OutgoingMessage {
        to: to.to_owned(),
        body: Body::Text { text: text.into() },
        reply_to: None,
        is_answer: false,
        file: None,
        rich_text: None,
    }
}

/// Sends a text; the envelope's bytes.
pub fn write(from: &Client, to: &Client, text: &str) -> Result<Vec<u8>> {
    let mut sent = from.send(to.address(), text.into())?;
    Ok(sent.envelopes.remove(0).bytes.into_vec())
}

/// Takes what waits in the outbox, as a transport does.
pub fn take_outbox(client: &Client) -> Vec<OutgoingEnvelope> {
    let waiting = client.outbox(0).unwrap();
    let ids = waiting.iter().map(|envelope| envelope.id).collect();
    client.mark_sent(ids).unwrap();
    waiting
}

pub fn receive(by: &Client, envelope: &[u8]) -> Vec<Event> {
    by.receive(envelope.into()).unwrap()
}

pub fn has_message(events: &[Event]) -> bool {
    let mut events = events.iter();
    events.any(|event| matches!(event, Event::Message { .. }))
}

pub fn assert_readable(events: &[Event]) {
    for event in events {
        assert!(!matches!(event, Event::Undecryptable { .. }), "{event:?}");
    }
}

fn deliver(envelopes: Vec<OutgoingEnvelope>, to: &[&Arc<Client>]) {
    for envelope in envelopes {
        let to = to.iter().find(|client| client.address() == envelope.to);
        assert_readable(&to.unwrap().receive(envelope.bytes).unwrap());
    }
}

/// What waits on one side reaches those it is for, and all of it can be read.
pub fn carry(from: &Arc<Client>, to: &[&Arc<Client>]) {
    deliver(take_outbox(from), to);
}

/// What two wrote crosses, until nothing waits any more.
pub fn exchange(a: &Arc<Client>, b: &Arc<Client>) {
    loop {
        let (from_a, from_b) = (take_outbox(a), take_outbox(b));
        if from_a.is_empty() && from_b.is_empty() {
            return;
        }
        deliver(from_a, &[b]);
        deliver(from_b, &[a]);
    }
}

/// How many rows a table has.
pub fn rows_in(inspection: &Inspection, table: &str) -> u64 {
    let mut tables = inspection.tables.iter();
    tables.find(|found| found.table == table).unwrap().rows
}
