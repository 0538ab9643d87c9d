"""Texts whose parts mean something, captions, what is forwarded, and what is at the top of a chat."""

from pathlib import Path

import pytest

from test_apps import talking
from windlass_chat import (
    Attachment,
    Forward,
    InvalidContent,
    LinkPreview,
    RichText,
    TextRun,
    TextSpan,
    TextStyle,
    UnknownMessage,
    events,
    join_runs,
    text_runs,
)


def test_a_text_of_pieces_comes_apart_again_and_counts_as_python_does() -> None:
    pieces = [TextRun(text="👩🏽\u200d🚀 ", styles=[]), TextRun(text="bold ⚓", styles=[TextStyle.BOLD()]), TextRun(text="!")]
    text = join_runs(pieces)
    assert text.spans == [TextSpan(start=5, length=6, style=TextStyle.BOLD())]
    assert text.text[5 : 5 + 6] == "bold ⚓"
    assert text_runs(text) == pieces


def test_a_mention_reaches_whom_it_means() -> None:
    world, alice, bob, ours, theirs = talking()
    text = join_runs([TextRun(text="⚓ "), TextRun(text="@Bob", styles=[TextStyle.MENTION(bob.address())])])
    text.suggestions = ["aye", "no"]
    sent = ours.send_rich(text)
    plain = ours.send("ahoy")
    world.run()
    there = theirs.message(alice.address(), sent.message_id)
    assert there is not None and there.mentions_me and there.rich_text == text and there.text == "⚓ @Bob"
    alone = theirs.message(alice.address(), plain.message_id)
    assert alone is not None and alone.rich_text is None and not alone.mentions_me
    # The list counts it in one call, by what it says now.
    assert (bob.conversation_page()[0].unread_mentions, theirs.unread_mentions(), bob.unread_mentions()) == (1, 1, 1)
    ours.edit_rich(sent.message_id, RichText(text="never mind"))
    world.run()
    there = theirs.message(alice.address(), sent.message_id)
    assert there is not None and there.text == "never mind" and not there.mentions_me
    listed = bob.conversation_page()[0]
    assert (listed.unread, listed.unread_mentions, bob.unread_mentions()) == (theirs.unread(), 0, 0)
    ours.edit_rich(plain.message_id, text)
    world.run()
    assert bob.conversation_page()[0].unread_mentions == 1
    theirs.mark_read()
    assert bob.conversation_page()[0].unread_mentions == theirs.unread_mentions() == 0
    with pytest.raises(InvalidContent):
        ours.send_rich(RichText(text="short", spans=[TextSpan(start=3, length=3, style=TextStyle.ITALIC())]))


def test_a_preview_goes_with_its_address_and_is_forwarded_with_it() -> None:
    world, alice, bob, ours, theirs = talking()
    preview = LinkPreview(url="https://example.org/a", title="Here be dragons", about="A\nmap", image=b"\xff\xd8\xff and more")
    text = RichText(text="see https://example.org/a!", preview=preview)
    sent = ours.send_rich(text).message_id
    world.run()
    there = theirs.message(alice.address(), sent)
    assert there is not None and there.rich_text == text
    assert theirs.search("dragons").messages == [] and len(theirs.search("example").messages) == 1
    again = theirs.forward(alice.address(), sent).message_id
    ours.edit_rich(sent, RichText(text="never mind"))
    world.run()
    forwarded, there = ours.message(bob.address(), again), theirs.message(alice.address(), sent)
    assert forwarded is not None and forwarded.rich_text is not None and forwarded.rich_text.preview == preview
    assert there is not None and there.rich_text is None
    for wrong in (
        LinkPreview(url="https://example.org/"),
        LinkPreview(url="https://example.org/a", title="two\nlines"),
        LinkPreview(url="https://example.org/a", image=b"<svg/>"),
    ):
        with pytest.raises(InvalidContent):
            ours.send_rich(RichText(text="see https://example.org/a!", preview=wrong))


def test_what_is_forwarded_says_so_and_an_attachment_has_a_caption(tmp_path: Path) -> None:
    world, alice, bob, ours, theirs = talking()
    (tmp_path / "chart").write_text("here be dragons")
    sealed = Attachment.encrypt(tmp_path / "chart", tmp_path / "sealed", "text/plain")
    sent = theirs.send_captioned(sealed, "somewhere", RichText(text="the chart"))
    world.run()
    for named, author in ((False, None), (True, bob.address())):
        again = ours.forward(bob.address(), sent.message_id, named)
        world.run()
        there = theirs.message(alice.address(), again.message_id)
        assert there is not None and there.rich_text == RichText(text="the chart", forward=Forward(author=author))
    assert len(theirs.search("chart").messages) == 3


def test_what_one_puts_at_the_top_is_there_for_both() -> None:
    world, alice, _, ours, theirs = talking()
    ids = [ours.send(text).message_id for text in ("one", "two")]
    world.run()
    for message_id in ids:
        theirs.pin_message(alice.address(), message_id)
    told = [event for delivery in world.run() for event in delivery.events if isinstance(event, events.Pinned)]
    assert [event.message_id for event in told] == ids and not told[0].removed
    assert [message.text for message in ours.pinned()] == ["two", "one"]
    ours.unpin_message(alice.address(), ids[1])
    world.run()
    assert [message.text for message in theirs.pinned()] == ["one"]
    with pytest.raises(UnknownMessage):
        ours.pin_message(alice.address(), "0" * 32)
