//! Texts whose parts mean something, what is forwarded, and what is at the top of a chat.

use super::acquainted;
use super::by_id::{exchange, talk};
use crate::api::{
    Attachment, Body, Event, Forward, LinkPreview, OutgoingMessage, RichText, TextRun, TextSpan,
    TextStyle, WindlassError, join_runs, text_runs,
};

fn run(text: &str, styles: &[TextStyle]) -> TextRun {
    TextRun {
        text: text.into(),
        styles: styles.to_vec(),
    }
}

fn plain(text: &str) -> RichText {
    join_runs(vec![run(text, &[])])
}

#[test]
fn a_text_of_pieces_comes_apart_into_the_same_pieces_in_any_script() {
    let mention = TextStyle::Mention {
        address: "wl1anybody".into(),
    };
    let pieces = vec![
        run("Grüße, ", &[]),
        run("👩🏽\u{200d}🚀", &[mention.clone(), TextStyle::Bold]),
        run("! e\u{301} ", &[TextStyle::Bold]),
        run("漢字", &[TextStyle::Spoiler]),
        run("", &[TextStyle::Quote]),
        run(" 🏴", &[]),
    ];
    let text = join_runs(pieces.clone());
    assert_eq!(text.text, "Grüße, 👩🏽\u{200d}🚀! e\u{301} 漢字 🏴");
    let span = |start, length, style| TextSpan {
        start,
        length,
        style,
    };
    assert_eq!(
        text.spans,
        [
            span(7, 4, mention),
            span(7, 9, TextStyle::Bold),
            span(16, 2, TextStyle::Spoiler),
        ]
    );
    let shown = text_runs(text);
    let full: Vec<_> = pieces
        .into_iter()
        .filter(|run| !run.text.is_empty())
        .collect();
    assert_eq!(shown, full);
    assert!(text_runs(plain("")).is_empty());
    assert_eq!(text_runs(plain("x")), [run("x", &[])]);
    // Of a text that nobody checked, nothing is cut and nothing lost.
    let mut wild = plain("abc");
    wild.spans = vec![
        span(1, u32::MAX, TextStyle::Bold),
        span(9, 9, TextStyle::Italic),
        span(2, 0, TextStyle::Quote),
    ];
    let words: String = text_runs(wild).into_iter().map(|run| run.text).collect();
    assert_eq!(words, "abc");
}

#[test]
fn a_mention_reaches_whom_it_means_and_an_edit_takes_it_back() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let (me, them) = (alice.client.address(), bob.client.address());
    let mention = |address: &str| TextStyle::Mention {
        address: address.into(),
    };
    let mut text = join_runs(vec![
        run("⚓ ", &[]),
        run("@Bob", &[mention(&them)]),
        run(" look", &[TextStyle::Strike]),
    ]);
    text.suggestions = vec!["aye".into(), "no".into()];
    let sent = ours.send_rich(text.clone(), None).unwrap().message_id;
    let plain_one = ours.send("ahoy".into()).unwrap().message_id;
    exchange(&alice, &bob);
    let there = theirs.message(&me, &sent).unwrap().unwrap();
    assert_eq!(there.text.as_deref(), Some("⚓ @Bob look"));
    assert_eq!(there.rich_text, Some(text.clone()));
    assert!(there.mentions_me);
    assert!(!ours.message(&me, &sent).unwrap().unwrap().mentions_me);
    let there = theirs.message(&me, &plain_one).unwrap().unwrap();
    assert_eq!(there.text.as_deref(), Some("ahoy"));
    assert!(there.rich_text.is_none() && !there.mentions_me);
    ours.edit_rich(
        &sent,
        join_runs(vec![run("never mind", &[TextStyle::Italic])]),
    )
    .unwrap();
    exchange(&alice, &bob);
    let there = theirs.message(&me, &sent).unwrap().unwrap();
    assert!(there.edited && !there.mentions_me);
    let rich = there.rich_text.unwrap();
    assert_eq!((rich.spans.len(), rich.suggestions.len()), (1, 0));
    // What cannot be is refused where it is written, and nothing is sent.
    let waiting = alice.client.outbox(0).unwrap();
    text.spans[0].start = 99;
    let refused = ours.send_rich(text.clone(), None);
    assert!(matches!(refused, Err(WindlassError::InvalidContent(_))));
    text.spans[0].style = mention("nobody");
    let refused = ours.send_rich(text, None);
    assert!(matches!(refused, Err(WindlassError::InvalidAddress(_))));
    assert_eq!(alice.client.outbox(0).unwrap(), waiting);
}

#[test]
fn what_is_forwarded_names_its_author_only_where_that_is_wished() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let (me, them) = (alice.client.address(), bob.client.address());
    let mention = TextStyle::Mention {
        address: me.clone(),
    };
    let mut text = join_runs(vec![
        run("@you", &[mention]),
        run(" must see", &[TextStyle::Bold]),
    ]);
    text.suggestions = vec!["aye".into()];
    let sent = theirs.send_rich(text, None).unwrap().message_id;
    exchange(&alice, &bob);
    let forwarded = |author: &str, id: &str, named: bool| {
        let id = ours.forward(author, id, named).unwrap().message_id;
        exchange(&alice, &bob);
        let there = theirs.message(&me, &id).unwrap().unwrap();
        (id, there.rich_text.unwrap())
    };
    let (unnamed, rich) = forwarded(&them, &sent, false);
    assert_eq!(rich.text, "@you must see");
    assert_eq!(rich.forward, Some(Forward { author: None }));
    // Neither whom it mentioned nor what it suggested goes along.
    assert_eq!((rich.spans.len(), rich.suggestions.len()), (1, 0));
    let (_, rich) = forwarded(&them, &sent, true);
    let author = Some(them.clone());
    assert_eq!(rich.forward, Some(Forward { author }));
    // Who forwards again does not become the author, and nobody is told of who was not.
    let (_, rich) = forwarded(&me, &unnamed, true);
    assert_eq!(rich.forward, Some(Forward { author: None }));
    ours.edit_message(&unnamed, "mine".into()).unwrap();
    exchange(&alice, &bob);
    let there = theirs.message(&me, &unnamed).unwrap().unwrap();
    assert_eq!(
        there.rich_text.unwrap().forward,
        Some(Forward { author: None })
    );
    let refused = ours.forward(&them, &"0".repeat(32), false);
    assert!(matches!(refused, Err(WindlassError::UnknownMessage)));
}

#[test]
fn an_attachment_has_a_caption_that_is_found_edited_and_forwarded() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let me = alice.client.address();
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("chart.txt"), "here be dragons").unwrap();
    let sealed =
        Attachment::encrypt(path("chart.txt"), path("sealed"), "text/plain".into(), None).unwrap();
    let caption = join_runs(vec![run("the chart", &[TextStyle::Bold])]);
    let location = path("sealed");
    let sent = ours.send_captioned(&sealed, location.clone(), caption.clone());
    let sent = sent.unwrap().message_id;
    ours.send_attachment(&sealed, location.clone()).unwrap();
    exchange(&alice, &bob);
    let there = theirs.message(&me, &sent).unwrap().unwrap();
    assert!(matches!(there.body, Body::Attachment { .. }) && there.text.is_none());
    assert_eq!(there.rich_text, Some(caption));
    assert_eq!(theirs.messages(1, None).unwrap()[0].rich_text, None);
    let found = theirs.search("CHART".into(), 5, None).unwrap();
    assert_eq!(found.messages.len(), 1);
    ours.edit_message(&sent, "an old chart".into()).unwrap();
    let again = ours.forward(&me, &sent, false).unwrap().message_id;
    exchange(&alice, &bob);
    for id in [&sent, &again] {
        let there = theirs.message(&me, id).unwrap().unwrap();
        let rich = there.rich_text.clone().unwrap();
        assert_eq!(rich.text, "an old chart");
        assert_eq!(rich.forward.is_some(), *id == again);
        let to = path(id);
        theirs
            .save_attachment(there, location.clone(), to.clone(), None)
            .unwrap();
        assert_eq!(std::fs::read_to_string(to).unwrap(), "here be dragons");
    }
}

#[test]
fn a_preview_goes_with_its_address_is_forwarded_with_it_and_found_by_nobody() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let me = alice.client.address();
    let preview = LinkPreview {
        url: "https://example.org/chart".into(),
        title: "Here be dragons".into(),
        about: "A map.\nOf the sea.".into(),
        image: Some(b"\xff\xd8\xff and more"[..].into()),
    };
    let mut text = plain("see https://example.org/chart!");
    text.preview = Some(preview.clone());
    let sent = ours.send_rich(text.clone(), None).unwrap().message_id;
    exchange(&alice, &bob);
    let there = theirs.message(&me, &sent).unwrap().unwrap();
    assert_eq!(there.rich_text, Some(text.clone()));
    assert!(!format!("{there:?}").contains("dragons"));
    let found = |what: &str| {
        let page = theirs.search(what.into(), 10, None).unwrap();
        page.messages.len()
    };
    assert_eq!((found("chart"), found("dragons"), found("sea")), (1, 0, 0));
    let again = theirs.forward(&me, &sent, false).unwrap().message_id;
    exchange(&alice, &bob);
    let them = bob.client.address();
    let forwarded = ours.message(&them, &again).unwrap().unwrap();
    assert_eq!(forwarded.rich_text.unwrap().preview, Some(preview));
    // A text without the address has no preview of it.
    ours.edit_message(&sent, "never mind".into()).unwrap();
    exchange(&alice, &bob);
    let there = theirs.message(&me, &sent).unwrap().unwrap();
    assert!(there.rich_text.is_none());
    // What readers do not see as it is is refused where it is written, and so is what is no picture.
    let waiting = alice.client.outbox(0).unwrap();
    let changes: [fn(&mut RichText); 4] = [
        |text| text.text = "see https://example.org/charts".into(),
        |text| text.text.clear(),
        |text| text.preview.as_mut().unwrap().title = "two\nlines".into(),
        |text| text.preview.as_mut().unwrap().image = Some(b"<svg/>"[..].into()),
    ];
    for change in changes {
        let mut wrong = text.clone();
        change(&mut wrong);
        let refused = ours.send_rich(wrong, None);
        assert!(matches!(refused, Err(WindlassError::InvalidContent(_))));
    }
    text.preview.as_mut().unwrap().about = "x".repeat(1_025);
    let refused = ours.send_rich(text, None);
    assert!(matches!(refused, Err(WindlassError::ContentTooLarge(_))));
    assert_eq!(alice.client.outbox(0).unwrap(), waiting);
}

#[test]
fn a_programs_answer_suggests_what_to_say_next_and_is_durable_with_what_it_answers() {
    let (alice, bob) = acquainted();
    let ours = talk(&alice, &bob);
    bob.client.keep_unhandled(true).unwrap();
    ours.send("/start".into()).unwrap();
    exchange(&alice, &bob);
    let waiting = bob.client.unhandled(1).unwrap().remove(0);
    let mut text = plain("Which?");
    text.suggestions = vec!["red".into(), "green".into()];
    let mut answer = OutgoingMessage {
        to: alice.client.address(),
        body: Body::Unknown,
        reply_to: None,
        is_answer: true,
        file: None,
        rich_text: Some(RichText {
            suggestions: vec!["\n".into()],
            ..text.clone()
        }),
    };
    let refused = bob.client.handled(waiting.number, vec![answer.clone()]);
    assert!(matches!(refused, Err(WindlassError::InvalidContent(_))));
    assert_eq!(bob.client.unhandled(1).unwrap().len(), 1);
    answer.rich_text = Some(text.clone());
    bob.client.handled(waiting.number, vec![answer]).unwrap();
    exchange(&alice, &bob);
    let there = ours.messages(1, None).unwrap().remove(0);
    assert_eq!(there.rich_text, Some(text));
}

#[test]
fn what_one_puts_at_the_top_is_there_for_both_and_told() {
    let (alice, bob) = acquainted();
    let (ours, theirs) = (talk(&alice, &bob), talk(&bob, &alice));
    let me = alice.client.address();
    let [first, second] = ["one", "two"].map(|text| ours.send(text.into()).unwrap().message_id);
    exchange(&alice, &bob);
    ours.pin_message(&me, &first).unwrap();
    let pinned = ours.pin_message(&me, &second).unwrap();
    let mut told = Vec::new();
    for envelope in alice.client.outbox(0).unwrap() {
        told.extend(bob.client.receive(envelope.bytes).unwrap());
    }
    let last = told.iter().rev().find_map(|event| match event {
        Event::Pinned {
            message_id,
            by,
            removed,
            ..
        } => Some((message_id.clone(), by.clone(), *removed)),
        _ => None,
    });
    assert_eq!(last, Some((second.clone(), me.clone(), false)));
    let top = |talk: &crate::api::Conversation| -> Vec<_> {
        let pinned = talk.pinned().unwrap().into_iter();
        pinned.filter_map(|message| message.text).collect()
    };
    assert_eq!(top(&ours), ["two", "one"]);
    assert_eq!(top(&theirs), ["two", "one"]);
    theirs.unpin_message(&me, &second).unwrap();
    exchange(&alice, &bob);
    assert_eq!(
        (top(&ours), top(&theirs)),
        (vec!["one".into()], vec!["one".to_owned()])
    );
    for id in ["", &pinned.message_id] {
        let refused = ours.pin_message(&me, id);
        assert!(matches!(refused, Err(WindlassError::UnknownMessage)));
    }
}
