//! Files that are encrypted, and what stands beside them on the disk: nothing of the user's is lost for it, and no two are mixed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use support::clients::{conversation, invite};
use support::files::Folder;
use support::party::Party;
use windlass::{
    Attachment, Conversation, Message, ProgressError, ProgressListener, Result, WindlassError,
};

/// Stops when so many bytes are done.
struct StopAt(u64);

impl ProgressListener for StopAt {
    fn advance(&self, done: u64, _: u64) -> core::result::Result<(), ProgressError> {
        if done >= self.0 {
            return Err(ProgressError::Stopped);
        }
        Ok(())
    }
}

fn stop_at(done: u64) -> Option<Arc<dyn ProgressListener>> {
    Some(Arc::new(StopAt(done)))
}

/// A folder, and a conversation in which attachments are sent.
struct Fixture {
    folder: Folder,
    conversation: Arc<Conversation>,
}

impl Deref for Fixture {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

impl Fixture {
    fn new() -> Self {
        let [alice, bob] = [(); 2].map(|()| Party::new());
        invite(&alice, &bob);
        Self {
            folder: Folder::new(),
            conversation: conversation(&alice, &bob),
        }
    }

    fn encrypt(&self, from: &str, to: &str) -> Result<Arc<Attachment>> {
        Attachment::encrypt(self.text(from), self.text(to), "text/plain".into(), None)
    }

    /// A file that is only this byte, sent; encrypted it is `NAME.sealed`.
    fn sent(&self, name: &str, byte: u8) -> Message {
        fs::write(self.path(name), vec![byte; 200_000]).unwrap();
        let attachment = self.encrypt(name, &format!("{name}.sealed")).unwrap();
        self.conversation
            .send_attachment(&attachment, name.into())
            .unwrap();
        self.conversation.messages(1, None).unwrap().pop().unwrap()
    }

    fn save(
        &self,
        message: &Message,
        sealed: &str,
        to: &str,
        progress: Option<Arc<dyn ProgressListener>>,
    ) -> Result<()> {
        let (sealed, to) = (self.text(sealed), self.text(to));
        self.conversation
            .save_attachment(message.clone(), sealed, to, progress)
    }

    /// What stands beside the files while one is not whole.
    fn partial(&self) -> PathBuf {
        let names = self.names();
        let mut partial = names.iter().filter(|name| name.ends_with(".partial"));
        let only = partial.next().unwrap();
        assert_eq!(partial.next(), None);
        self.path(only)
    }
}

#[test]
fn encrypting_removes_no_file_that_was_there() {
    let fixture = Fixture::new();
    fs::write(fixture.path("thesis"), b"years of work").unwrap();
    fs::write(fixture.path("other"), b"somebody's").unwrap();
    for to in ["thesis", "other"] {
        let refused = fixture.encrypt("thesis", to).map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), "file_system", "{refused}");
    }
    assert!(fixture.encrypt("nothing", "other").is_err());
    assert_eq!(fs::read(fixture.path("thesis")).unwrap(), b"years of work");
    assert_eq!(fs::read(fixture.path("other")).unwrap(), b"somebody's");
}

#[test]
fn encrypting_that_was_stopped_leaves_no_file() {
    let fixture = Fixture::new();
    fs::write(fixture.path("film"), vec![1; 200_000]).unwrap();
    let (from, to) = (fixture.text("film"), fixture.text("sealed"));
    let stopped = Attachment::encrypt(from, to, "video/mp4".into(), stop_at(100_000));
    assert_eq!(stopped.map(|_| ()), Err(WindlassError::Cancelled));
    assert_eq!(fixture.names(), ["film"]);
}

#[test]
fn saving_goes_on_where_it_was_stopped_and_mixes_no_two_files() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.sent("one", b'1'), fixture.sent("two", b'2'));
    let stopped = fixture.save(&one, "one.sealed", "saved", stop_at(100_000));
    assert_eq!(stopped, Err(WindlassError::Cancelled));
    let partial = fixture.partial();
    assert_eq!(fs::metadata(&partial).unwrap().len(), 131_072);

    fixture.save(&two, "two.sealed", "saved", None).unwrap();
    assert_eq!(fs::read(fixture.path("saved")).unwrap(), [b'2'; 200_000]);

    // The other is still there to be gone on with, for this name alone.
    fs::remove_file(fixture.path("saved")).unwrap();
    fixture.save(&one, "one.sealed", "elsewhere", None).unwrap();
    assert!(partial.exists());
    fixture.save(&one, "one.sealed", "saved", None).unwrap();
    for name in ["saved", "elsewhere"] {
        assert_eq!(fs::read(fixture.path(name)).unwrap(), [b'1'; 200_000]);
    }
    assert!(!partial.exists());
}

#[test]
fn what_a_machine_that_died_left_of_a_saved_file_is_not_believed() {
    let fixture = Fixture::new();
    let message = fixture.sent("one", b'1');
    let save = |progress| fixture.save(&message, "one.sealed", "saved", progress);
    // A length that was written before what it is the length of; parts of both; more than there should be.
    let rests = [
        vec![0; 200_000],
        [vec![b'1'; 70_000], vec![0; 130_000]].concat(),
        vec![b'1'; 300_000],
        Vec::new(),
    ];
    for rest in rests {
        assert_eq!(save(stop_at(1)), Err(WindlassError::Cancelled));
        fs::write(fixture.partial(), rest).unwrap();
        save(None).unwrap();
        assert_eq!(fs::read(fixture.path("saved")).unwrap(), [b'1'; 200_000]);
        fs::remove_file(fixture.path("saved")).unwrap();
    }
}

#[test]
fn saving_touches_no_file_of_the_users() {
    let fixture = Fixture::new();
    let message = fixture.sent("one", b'1');
    fs::write(fixture.path("saved.partial"), b"mine").unwrap();
    fixture.save(&message, "one.sealed", "saved", None).unwrap();
    assert!(fixture.save(&message, "one", "again", None).is_err());
    assert_eq!(fs::read(fixture.path("saved.partial")).unwrap(), b"mine");
    assert_eq!(
        fixture.names(),
        ["one", "one.sealed", "saved", "saved.partial"]
    );
}
