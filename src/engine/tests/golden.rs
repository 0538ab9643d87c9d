//! Files and envelopes of a version that programs have: whatever comes after it opens them. They lie in `tests/golden`, a folder for each
//! version whose files, rows or envelopes differ; a folder that is there is never written again.
//! `WINDLASS_WRITE_GOLDEN=1` writes the folder of this version where there is none.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::chat::Attachment;
use crate::store::{BackupReader, BackupWriter};

/// The folder of this version.
const VERSION: &str = "1";
/// Whose store it is.
const SEED: u8 = 1;
const BACKUP_KEY: [u8; 32] = [9; 32];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// The party whose store lies in a folder, which is not touched.
fn opened(folder: &Path) -> Party {
    let work = tempfile::tempdir().unwrap();
    copy(folder, work.path());
    let key = StoreKey::Raw(Secret::new([SEED; 32]));
    let store = Store::open(&work.path().join("store.wl"), &key).unwrap();
    let store: Box<dyn StorageEngine> = Box::new(RunsTwice::new(Arc::new(store)));
    let device = store.read(|rows| Device::load(rows)).unwrap();
    Party {
        folder: work,
        store,
        device,
    }
}

/// What somebody sees of all conversations, in words that no name in the code changes.
fn seen(rows: &dyn Rows) -> Vec<String> {
    let mut all = Vec::new();
    for summary in conversations::all(rows).unwrap() {
        let (conversation, mut lines) = (summary.id, Vec::new());
        let page = view::page(rows, &conversation, 1_000, None, START + 3 * DAY).unwrap();
        for shown in page {
            let body = match (&shown.stored.content.body, shown.words()) {
                (Body::Text(_), Some(text)) => format!("text {text}"),
                (Body::Data { media_type, data }, _) => format!("data {media_type} {data:?}"),
                (Body::Opaque(data), _) => format!("opaque {data:?}"),
                (Body::Attachment(file), caption) => {
                    format!("file {} {} {caption:?}", file.name, file.location)
                }
                (Body::DisappearingTimer(after), _) => format!("timer {after}"),
                (Body::GroupEvents { .. }, _) => "group".into(),
                _ => "something else".into(),
            };
            let reply = shown.stored.content.reply_to.is_some();
            lines.push(format!(
                "{body}; reply {reply}; edited {}; reactions {:?}; has it {}; read by {}",
                shown.edited.is_some(),
                shown
                    .reactions
                    .iter()
                    .map(|(_, emoji)| emoji)
                    .collect::<Vec<_>>(),
                shown.delivered.len(),
                shown.read_by.len(),
            ));
        }
        all.push(lines);
    }
    // Groups have other names each time.
    all.sort();
    all.concat()
}

/// Writes a folder: a store in which much has happened, its backup, and envelopes that come to it after that.
fn write_golden(folder: &Path) {
    let [bob, alice, carol] = acquainted::<3>();
    let group = ConversationId::Group(group(&alice, &[&bob, &carol], 1));
    let to_bob = ConversationId::Direct(bob.device.public());
    let kept = write(&alice, 1, &to_bob, text("kept"));
    let ours = write(
        &bob,
        1,
        &ConversationId::Direct(alice.device.public()),
        text("ours"),
    );
    write(&carol, 1, &group, text("in the crew"));
    deliver(&[&alice, &bob, &carol], 1);
    let dave = Party::new(4);
    dave.add(1, &bob.bundle(1, true));

    let writer = BackupWriter::create(
        &folder.join("backup"),
        &StoreKey::Raw(Secret::new(BACKUP_KEY)),
    );
    let exported = bob
        .store
        .read_apart(|rows| backup::export(rows, writer.unwrap(), START, &mut |_, _| true));
    exported.unwrap();
    let (before, us) = (
        bob.store.read(|rows| Ok::<_, StoreError>(seen(rows))),
        bob.device.public(),
    );
    let Party {
        folder: work,
        store,
        ..
    } = bob;
    drop(store);
    copy(work.path(), folder);

    let mut envelopes = Vec::new();
    let mut post = |what: &str, from: &Party| {
        for waiting in empty_outbox(from)
            .into_iter()
            .filter(|waiting| waiting.recipient == us)
        {
            let envelope = data_encoding::HEXLOWER.encode(&waiting.envelope);
            envelopes.push(json!({"what": what, "envelope": envelope}));
        }
    };
    let target = write(&alice, 2, &to_bob, text("to be edited"));
    post("text", &alice);
    let unwanted = write(&alice, 2, &to_bob, text("to be deleted"));
    post("another text", &alice);
    for (what, body) in bodies(kept, ours, target, unwanted, &us) {
        write(&alice, 2, &to_bob, body);
        post(what, &alice);
    }
    let reply = alice.at(2, |step| {
        write::write(step, &to_bob, text("a reply"), Some(ours))
    });
    reply.unwrap();
    post("reply", &alice);
    write(&carol, 2, &group, text("to the crew again"));
    post("text in a group", &carol);
    let controls = [
        ("delivery receipt", Body::DeliveryReceipt(vec![ours])),
        ("read receipt", Body::ReadReceipt { lamport: 1_000 }),
    ];
    for (what, body) in controls {
        let all = Recipients::ALL;
        alice
            .at(2, |step| post::send_control(step, &us, all, body.clone()))
            .unwrap();
        post(what, &alice);
    }
    write(&dave, 2, &to_bob, text("a stranger"));
    post("first message, with a handshake", &dave);

    let again = opened(folder);
    take_all(&again, &envelopes);
    let after = again
        .store
        .read(|rows| Ok::<_, StoreError>(seen(rows)))
        .unwrap();
    let told = json!({"before": before.unwrap(), "envelopes": envelopes, "after": after});
    fs::write(
        folder.join("envelopes.json"),
        serde_json::to_string_pretty(&told).unwrap() + "\n",
    )
    .unwrap();
}

/// What one says to another, beside texts.
fn bodies(
    kept: MessageId,
    ours: MessageId,
    target: MessageId,
    unwanted: MessageId,
    us: &PublicIdentity,
) -> Vec<(&'static str, Body)> {
    let data = Body::Data {
        media_type: "application/octet-stream".into(),
        data: vec![1, 2, 3],
    };
    let file = Attachment {
        media_type: "image/png".into(),
        name: "chart.png".into(),
        size: 4,
        key: Secret::new([7; 32]),
        digest: [8; 32],
        location: "shelf 3".into(),
        caption: "the chart".into(),
    };
    let reaction = Body::Reaction {
        author: us.to_bytes(),
        target: ours,
        emoji: "⚓".into(),
        removed: false,
    };
    let edit = Body::Edit {
        target,
        text: "edited".into(),
    };
    vec![
        ("data", data),
        ("a format of its own", Body::Opaque(vec![4, 5])),
        ("attachment", Body::Attachment(file)),
        ("reaction", reaction),
        ("edit", edit),
        ("deletion", Body::Deletion { target: unwanted }),
        (
            "deletion of what came before",
            Body::Deletion { target: kept },
        ),
        ("timer", Body::DisappearingTimer(30 * DAY)),
    ]
}

/// Each envelope opens.
fn take_all(party: &Party, envelopes: &[Value]) {
    for envelope in envelopes {
        let bytes =
            data_encoding::HEXLOWER.decode(envelope["envelope"].as_str().unwrap().as_bytes());
        let outcomes = taken(party, 2, &bytes.unwrap());
        let undecryptable = |outcome: &Outcome| matches!(outcome, Outcome::Undecryptable { .. });
        assert!(!outcomes.iter().any(undecryptable), "{}", envelope["what"]);
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect()
}

#[test]
fn stores_backups_and_envelopes_of_each_version_open() {
    // They are not in the packed crate, which has no `xtask` either.
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR")).join("xtask");
    if !golden().exists() && !xtask.exists() {
        return;
    }
    let this = golden().join(VERSION);
    if std::env::var_os("WINDLASS_WRITE_GOLDEN").is_some() && !this.join("envelopes.json").exists()
    {
        fs::create_dir_all(&this).unwrap();
        write_golden(&this);
    }
    let mut versions = 0;
    for folder in fs::read_dir(golden()).unwrap() {
        let folder = folder.unwrap().path();
        let told = fs::read_to_string(folder.join("envelopes.json")).unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        let envelopes = told["envelopes"].as_array().unwrap();
        assert!(envelopes.len() > 12, "{folder:?}");
        let bob = opened(&folder);
        let sees = |party: &Party| {
            party
                .store
                .read(|rows| Ok::<_, StoreError>(seen(rows)))
                .unwrap()
        };
        assert_eq!(sees(&bob), strings(&told["before"]), "{folder:?}");
        take_all(&bob, envelopes);
        assert_eq!(sees(&bob), strings(&told["after"]), "{folder:?}");
        // Taken again, nothing is new.
        take_all(&bob, envelopes);
        assert_eq!(sees(&bob), strings(&told["after"]), "{folder:?}");

        let work = tempfile::tempdir().unwrap();
        let key = StoreKey::Raw(Secret::new(BACKUP_KEY));
        let reader = BackupReader::open(&folder.join("backup"), &key).unwrap();
        let restored = Store::create_with(&work.path().join("new.wl"), &key, |rows| {
            backup::import(rows, reader, START + 2 * DAY, &mut rng(), &mut |_, _| true)
        });
        let restored = restored
            .unwrap()
            .read(|rows| Ok::<_, StoreError>(seen(rows)))
            .unwrap();
        let texts = |lines: &[&str]| {
            lines
                .iter()
                .map(|line| line.split(';').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let restored: Vec<&str> = restored.iter().map(String::as_str).collect();
        assert_eq!(
            texts(&restored),
            texts(&strings(&told["before"])),
            "{folder:?}"
        );
        versions += 1;
    }
    assert!(versions >= 1);
}
