//! A store that was copied is one store, and what is at another place is not taken for it.

use super::*;
use crate::store::copying::{Copied, Place, copy};

fn copied(from: &Fixture, to: &Fixture) -> Result<Copied, StoreError> {
    let [from, to] = [from, to].map(|at| Place::file(at.path.clone()));
    copy((&from, &to), &key(1), &mut |_, _| true)
}

#[test]
fn a_copying_that_was_decided_ends_at_its_own_place_and_at_no_other() {
    let [from, to, other] = [(); 3].map(|()| Fixture::new());
    put(&from.create(), b"a", b"kept");
    put(&other.create(), b"a", b"another's");
    let (_, slots) = from.bytes();
    assert_eq!(copied(&from, &to), Ok(Copied::Whole(1)));
    // As it is after a crash before the last step, in which the key slots go.
    let decided = || fs::write(from.slots(), &slots).unwrap();
    decided();
    assert_eq!(copied(&from, &other), Err(StoreError::Moved));
    assert!(fs::read(from.slots()).unwrap() == slots);
    // Nor at one where nothing is.
    assert_eq!(copied(&from, &Fixture::new()), Err(StoreError::Moved));
    assert!(copied(&from, &to).is_ok());
    assert!(fs::read(from.slots()).unwrap() != slots);
    assert_eq!(from.open().map(|_| ()), Err(StoreError::Moved));
    let kept = get(&to.open().unwrap(), b"a");
    assert_eq!(kept, Ok(Some(b"kept".to_vec())));
    let anothers = get(&other.open().unwrap(), b"a");
    assert_eq!(anothers, Ok(Some(b"another's".to_vec())));
}
