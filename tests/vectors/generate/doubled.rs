//! Contents that come in pieces, as protocol buffers may.

use prost::Message;
use windlass::wire::v2;

/// Contents with something in them twice.
pub fn contents(base: &v2::Content) -> Vec<(&'static str, Vec<u8>)> {
    // A body as it stands in a content: what is encoded with it comes after what is encoded without.
    let behind = |body: &[u8]| [&base.encode_to_vec()[..], body].concat();
    let receipt = |id: u8| [&[0x92, 0x01, 0x12, 0x0a, 0x10][..], &[id; 16]].concat();
    let text = |text: &[u8]| {
        let len = u8::try_from(text.len()).unwrap();
        [&[0x82, 0x01, len + 2, 0x0a, len][..], text].concat()
    };
    let opaque = [0x9a, 0x01, 0x03, 0x0a, 0x01, 0xff];
    let reacts = [
        &[0xca, 0x01, 0x34, 0x0a, 0x20][..],
        &[6; 32],
        &[0x12, 0x10],
        &[5; 16],
    ]
    .concat();
    let with_sign = [0xca, 0x01, 0x03, 0x1a, 0x01, b'!'];
    let later = [0xc2, 0x0c, 0x02, b'h', b'i'];
    // An event with a field of a later version, and one whose body is there twice.
    let events = [
        &[
            0xf2, 0x01, 0x19, 0x0a, 0x0a, 0x0a, 0x01, 0x07, 0x12, 0x01, 0x08, 0x1a, 0x02,
        ][..],
        &[
            0x68, 0x69, 0x0a, 0x0b, 0x0a, 0x01, 0x05, 0x0a, 0x01, 0x06, 0x12, 0x03, 9, 9, 9,
        ],
    ]
    .concat();
    vec![
        ("a clock twice", behind(&[0x10, 0x05])),
        (
            "a text twice",
            behind(&[text(b"one"), text(b"two")].concat()),
        ),
        (
            "a text and then one without words",
            behind(&[text(b"one"), vec![0x82, 0x01, 0x00]].concat()),
        ),
        (
            "a text and then another body",
            behind(&[&text(b"one")[..], &opaque].concat()),
        ),
        (
            "a text, another body and no words",
            behind(&[&text(b"one")[..], &opaque, &[0x82, 0x01, 0x00]].concat()),
        ),
        (
            "a text and then a body of a later version",
            behind(&[&text(b"one")[..], &later].concat()),
        ),
        (
            "a delivery receipt in two pieces",
            behind(&[receipt(1), receipt(2)].concat()),
        ),
        (
            "a reaction in two pieces",
            behind(&[&reacts[..], &with_sign].concat()),
        ),
        ("a reaction in one of two pieces", behind(&reacts)),
        ("group events as fields of a content", behind(&events)),
    ]
}
