//! Backups: whole or none, wherever they go.

use std::sync::{Arc, Mutex};

use super::*;

fn key() -> StoreKey {
    StoreKey::Raw(Secret::new([1; 32]))
}

#[test]
fn a_record_of_any_length_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    // Around the end of a chunk, none at all, and many chunks of one record.
    let room = CHUNK_LEN - LENGTH_LEN;
    let lengths = [0, 1, room - 9, room, room + 1, CHUNK_LEN, 0, 9 << 20, 3];
    let records = lengths.map(|len| vec![7u8; len]);
    let mut backup = BackupWriter::create(&path, &key()).unwrap();
    for record in &records {
        backup.push(record).unwrap();
    }
    backup.finish().unwrap();
    let mut backup = BackupReader::open(&path, &key()).unwrap();
    for record in &records {
        assert!(*backup.next_record().unwrap().unwrap() == *record);
    }
    assert_eq!(backup.next_record(), Ok(None));
}

#[test]
fn a_backup_that_is_being_written_harms_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    let other = folder.path().join("backup.new");
    fs::write(&other, b"somebody's").unwrap();
    drop(BackupWriter::create(&path, &key()).unwrap());
    BackupWriter::create(&path, &key())
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!(fs::read(&other).unwrap(), b"somebody's");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_file_is_whole_when_it_has_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup");
    let mut rng = crypto::system_random().unwrap();
    let mut file = NewFile::create(path.clone(), &mut rng).unwrap();
    file.write_all(b"few bytes").unwrap();
    file.finish().unwrap();
    // What is only in memory would be written when the value goes.
    assert_eq!(fs::read(&path).unwrap(), b"few bytes");
}

/// Whoever keeps a stream: has what was flushed, and takes a few bytes at once.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>, Vec<u8>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (now, _) = bytes.split_at(bytes.len().min(1_000));
        self.1.extend_from_slice(now);
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().append(&mut self.1);
        Ok(())
    }
}

#[test]
fn a_backup_in_a_stream_is_whole_when_it_is_finished() {
    let kept = Kept::default();
    let mut backup = BackupWriter::create_to(Box::new(kept.clone()), &key()).unwrap();
    let records = [vec![1; 3], vec![2; 2 * CHUNK_LEN]];
    for record in &records {
        backup.push(record).unwrap();
    }
    backup.finish().unwrap();
    let bytes = kept.0.lock().unwrap().clone();
    let len = bytes.len() as u64;
    let from = Box::new(io::Cursor::new(bytes));
    let mut backup = BackupReader::open_from(from, len, &key()).unwrap();
    for record in &records {
        assert!(*backup.next_record().unwrap().unwrap() == *record);
    }
    assert_eq!(backup.next_record(), Ok(None));
}

#[test]
fn a_length_that_no_chunk_has_is_damage_and_no_wrong_key() {
    let kept = Kept::default();
    let mut backup = BackupWriter::create_to(Box::new(kept.clone()), &key()).unwrap();
    backup.push(&vec![7; 3 * CHUNK_LEN]).unwrap();
    backup.finish().unwrap();
    let whole = kept.0.lock().unwrap().clone();
    let first_record = |len: usize| {
        let mut bytes = whole.clone();
        let len = u32::try_from(len).unwrap().to_be_bytes();
        bytes.splice(HEAD_LEN..HEAD_LEN + 4, len);
        let len = bytes.len() as u64;
        let from = Box::new(io::Cursor::new(bytes));
        let mut backup = BackupReader::open_from(from, len, &key()).unwrap();
        backup.next_record().map(|record| record.map(|_| ()))
    };
    let [least, most] = [SEAL_OVERHEAD, CHUNK_LEN + SEAL_OVERHEAD];
    assert_eq!(first_record(most), Ok(Some(())));
    // A chunk of this length there may be: nothing tells whether it was changed, or the key is another.
    assert_eq!(first_record(least), Err(StoreError::WrongKey));
    for none in [0, least - 1, most + 1] {
        assert_eq!(first_record(none), Err(StoreError::BackupDamaged));
    }
}

#[test]
fn what_waits_to_be_sealed_never_moves_in_memory() {
    let mut backup = BackupWriter::create_to(Box::new(io::sink()), &key()).unwrap();
    let place = backup.chunk.as_ptr();
    for len in [1, 100, CHUNK_LEN / 2, CHUNK_LEN, 3 * CHUNK_LEN] {
        backup.push(&vec![7; len]).unwrap();
        assert_eq!(backup.chunk.as_ptr(), place);
    }
}
