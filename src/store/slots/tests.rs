use super::*;
use crate::crypto::system_random;
use crate::store::{Medium, StoreFile};
use crate::testing::Disk;

fn key() -> StoreKey {
    StoreKey::Raw(Secret::new([1; 32]))
}

fn keys(epochs: &[u64]) -> Keys {
    let root = |number: &u64| (*number, Secret::new([*number as u8; 32]));
    Keys {
        data_key: Secret::new([9; 32]),
        epochs: epochs.iter().map(root).collect(),
        opened: 1,
    }
}

fn made(disk: &Disk, keys: &Keys) -> Slots {
    let kept = Slots::lock(disk.create_key_slots().unwrap()).unwrap();
    Slots::create(kept, &key(), [7; 16], keys, &mut system_random().unwrap()).unwrap()
}

fn opened(disk: &Disk) -> Result<Vec<u64>, StoreError> {
    let (_, keys) = Slots::open(disk.open_key_slots()?, &key())?;
    Ok(keys.epochs.iter().map(|(number, _)| *number).collect())
}

#[test]
fn an_epoch_that_only_the_other_slot_holds_is_known_and_each_is_known_once() {
    let disk = Disk::default();
    let mut rng = system_random().unwrap();
    let mut slots = made(&disk, &keys(&[1]));
    assert_eq!(opened(&disk), Ok(vec![1]));
    slots.write(&keys(&[1, 2]), &mut rng).unwrap();
    assert_eq!(opened(&disk), Ok(vec![1, 2]));
    // A crash here leaves the former one in a slot that is to be overwritten.
    slots.write(&keys(&[2]), &mut rng).unwrap();
    assert_eq!(opened(&disk), Ok(vec![2, 1]));
    slots.write(&keys(&[2]), &mut rng).unwrap();
    assert_eq!(opened(&disk), Ok(vec![2]));
}

/// A disk with both slots changed, by somebody who makes their checksums right again or does not.
fn changed(disk: &Disk, right: bool, change: impl Fn(&mut [u8])) -> Disk {
    let mut image = disk.image();
    for slot in image.file_mut(StoreFile::KeySlots).chunks_mut(SLOT_LEN) {
        let (content, checksum) = slot.split_at_mut(SLOT_LEN - CHECKSUM_LEN);
        change(content);
        if right {
            checksum.copy_from_slice(&sha256(&[content]));
        }
    }
    Disk::of(image)
}

#[test]
fn slots_that_are_not_as_they_were_written_are_damaged_and_no_wrong_key() {
    let disk = Disk::default();
    made(&disk, &keys(&[1]));
    assert_eq!(opened(&changed(&disk, true, |_| {})), Ok(vec![1]));
    let damaged = Err(StoreError::KeySlotsDamaged);
    for at in [
        0,
        8,
        12,
        HEAD_LEN - 1,
        HEAD_LEN,
        SLOT_LEN - CHECKSUM_LEN - 1,
    ] {
        let flipped = changed(&disk, false, |slot| slot[at] ^= 1);
        assert_eq!(opened(&flipped), damaged, "byte {at}");
    }
    // Nor are they slots without what slots begin with.
    assert_eq!(opened(&changed(&disk, true, |slot| slot[0] ^= 1)), damaged);
    // Under a right checksum nothing tells a changed key from another.
    let sealed = changed(&disk, true, |slot| slot[HEAD_LEN] ^= 1);
    assert_eq!(opened(&sealed), Err(StoreError::WrongKey));
}

#[test]
fn slots_of_a_later_version_are_told_as_such() {
    let disk = Disk::default();
    made(&disk, &keys(&[1]));
    let (got, max) = (SLOT_VERSION + 1, SLOT_VERSION);
    let later = changed(&disk, true, |slot| {
        slot[8..12].copy_from_slice(&got.to_be_bytes());
    });
    assert_eq!(opened(&later), Err(StoreError::NewerVersion { got, max }));
}
