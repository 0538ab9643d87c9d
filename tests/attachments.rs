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
        assert_eq!(refused.code(), "file_exists", "{refused}");
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

#[cfg(unix)]
#[test]
fn whatever_a_user_may_pick_is_attached_as_it_is_read() {
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;

    let fixture = Fixture::new();
    let chunk = 64 * 1024;
    let mut picked = vec![("a\\b.txt", "a_b.txt", 5), (".bashrc", "_bashrc", 5)];
    picked.extend([
        ("empty", "empty", 0),
        ("photo\u{202e}gpj.exe", "photo_gpj.exe", 5),
    ]);
    picked.extend([("C:evil.exe", "C_evil.exe", 1), ("con", "_con", 1)]);
    let lengths = [chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 7];
    let names = lengths.map(|len| len.to_string());
    let lengths = names.iter().zip(lengths);
    picked.extend(lengths.map(|(name, len)| (name.as_str(), name.as_str(), len)));
    let (reader, mut writer) = std::io::pipe().unwrap();
    let piped = vec![7; chunk + 100];
    let sender = {
        let piped = piped.clone();
        std::thread::spawn(move || writer.write_all(&piped).unwrap())
    };
    let mut tried: Vec<_> = picked
        .into_iter()
        .map(|(name, safe, len)| {
            fs::write(fixture.path(name), vec![7; len]).unwrap();
            (fixture.text(name), safe.to_owned(), vec![7; len])
        })
        .collect();
    let fd = reader.as_raw_fd();
    tried.push((format!("/dev/fd/{fd}"), fd.to_string(), piped));
    if let Ok(status) = fs::read("/proc/self/limits") {
        tried.push(("/proc/self/limits".into(), "limits".into(), status));
    }
    for (number, (path, safe, content)) in tried.into_iter().enumerate() {
        let sealed = format!("{number}.sealed");
        let attachment =
            Attachment::encrypt(path, fixture.text(&sealed), "a/b".into(), None).unwrap();
        let info = attachment.info();
        assert_eq!((info.name, info.size), (safe, content.len() as u64));
        fixture
            .conversation
            .send_attachment(&attachment, String::new())
            .unwrap();
        let message = fixture.conversation.messages(1, None).unwrap().pop();
        let saved = format!("{number}.saved");
        fixture
            .save(&message.unwrap(), &sealed, &saved, None)
            .unwrap();
        assert!(fs::read(fixture.path(&saved)).unwrap() == content);
        for name in [sealed, saved] {
            let mode = fs::metadata(fixture.path(&name)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
        }
    }
    sender.join().unwrap();
}

#[cfg(unix)]
#[test]
fn what_cannot_be_attached_or_saved_is_refused_by_its_name_and_no_link_is_followed() {
    use std::os::unix::fs::symlink;

    let fixture = Fixture::new();
    let message = fixture.sent("one", b'1');
    fs::create_dir(fixture.path("folder")).unwrap();
    symlink("nowhere", fixture.path("link")).unwrap();
    let refused = |done: Result<()>, code: &str, name: &str| {
        let error = done.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(name), "{error}");
        assert!(!windlass::error_info(code).unwrap().retry);
    };
    let encrypt = |from: &str, to: &str| fixture.encrypt(from, to).map(|_| ());
    refused(encrypt("none", "out"), "file_not_found", "none");
    refused(encrypt("folder", "out"), "file_unusable", "folder");
    refused(encrypt("/dev/zero", "out"), "file_unusable", "/dev/zero");
    refused(encrypt("one", "no/out"), "file_not_found", "no/out");
    refused(encrypt("one", "link"), "file_exists", "link");
    refused(encrypt("one", "folder"), "file_exists", "folder");
    let save = |sealed: &str, to: &str| fixture.save(&message, sealed, to, None);
    refused(save("none", "out"), "file_not_found", "none");
    refused(save("one.sealed", "no/out"), "file_not_found", "no/out");
    refused(save("one.sealed", "link"), "dangling_link", "link");
    refused(save("one.sealed", "folder"), "file_exists", "folder");
    // A link that somebody put where the file is made.
    assert_eq!(
        fixture.save(&message, "one.sealed", "saved", stop_at(1)),
        Err(WindlassError::Cancelled)
    );
    let partial = fixture.partial();
    fs::remove_file(&partial).unwrap();
    symlink(fixture.path("one"), &partial).unwrap();
    let name = partial.file_name().unwrap().to_str().unwrap().to_owned();
    refused(save("one.sealed", "saved"), "file_unusable", &name);
    assert_eq!(fs::read(fixture.path("one")).unwrap(), [b'1'; 200_000]);
    assert!(!fixture.path("nowhere").exists() && !fixture.path("out").exists());
}
