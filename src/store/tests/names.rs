//! A store is one file under all its names, and what cannot be one is refused with the name in the sentence.

use std::os::unix::fs::symlink;

use super::*;

/// What an error says, and that it says which file.
fn refusal(refused: Result<Store, StoreError>, name: &str) -> StoreError {
    let refused = refused.unwrap_err();
    assert!(refused.to_string().contains(name), "{refused}");
    refused
}

#[test]
fn a_store_is_one_under_all_its_names() {
    let fixture = Fixture::new();
    put(&fixture.create(), b"row", b"value");
    let folder = fixture.path.parent().unwrap();
    let (link, second) = (folder.join("link.wl"), folder.join("second.wl"));
    symlink("test.wl", &link).unwrap();
    symlink("link.wl", &second).unwrap();
    for name in [&link, &second, &folder.join("../").join(&link)] {
        let store = Store::open(name, &key(1)).unwrap();
        assert_eq!(get(&store, b"row").unwrap(), Some(b"value".to_vec()));
        assert_eq!(store.path(), fixture.path.canonicalize().unwrap());
        let again = fixture.open().map(|_| ());
        assert_eq!(again, Err(StoreError::Locked), "under another name");
        assert_eq!(
            Store::create(name, &key(1)).map(|_| ()),
            Err(StoreError::AlreadyExists)
        );
    }
    // Nothing was made beside any of them.
    let names = fs::read_dir(folder).unwrap().count();
    assert_eq!(names, 4);
}

#[test]
fn a_file_of_two_names_has_its_key_slots_beside_one_of_them() {
    let fixture = Fixture::new();
    put(&fixture.create(), b"row", b"value");
    let folder = fixture.path.parent().unwrap();
    fs::create_dir_all(folder.join("in/deep")).unwrap();
    fs::create_dir(folder.join("beside")).unwrap();
    fs::write(folder.join("beside/other.wl"), b"something else").unwrap();
    for near in ["hard.wl", "in/hard.wl"] {
        let near = folder.join(near);
        fs::hard_link(&fixture.path, &near).unwrap();
        let store = Store::open(&near, &key(1)).unwrap();
        assert_eq!(get(&store, b"row").unwrap(), Some(b"value".to_vec()));
        assert_eq!(store.path(), fixture.path.canonicalize().unwrap());
        assert_eq!(fixture.open().map(|_| ()), Err(StoreError::Locked));
    }
    // Where the other name is not to be found, the store is refused, and nothing is made.
    let far = folder.join("in/deep/hard.wl");
    fs::hard_link(&fixture.path, &far).unwrap();
    let refused = refusal(Store::open(&far, &key(1)), "hard.wl");
    assert!(matches!(refused, StoreError::HardLink { .. }));
    // Down to where it is, it is found; two names with slots are two stores' slots, and each is opened by its own.
    fs::rename(&fixture.path, folder.join("in/test.wl")).unwrap();
    let slots = [folder.join("test.wl.keys"), folder.join("in/test.wl.keys")];
    fs::rename(&slots[0], &slots[1]).unwrap();
    drop(Store::open(&folder.join("hard.wl"), &key(1)).unwrap());
    drop(Store::open(&far, &key(1)).unwrap());
    assert!(!slots[0].exists());
}

#[test]
fn no_store_is_made_through_a_link_to_nowhere() {
    let fixture = Fixture::new();
    let folder = fixture.path.parent().unwrap();
    for (link, target) in [
        ("a.wl", "disk/a.wl"),
        ("b.wl", "b.wl"),
        ("c.wl", "/nowhere/c.wl"),
    ] {
        let link = folder.join(link);
        symlink(target, &link).unwrap();
        for tried in [Store::create(&link, &key(1)), Store::open(&link, &key(1))] {
            let refused = refusal(tried, link.to_str().unwrap());
            assert!(
                matches!(
                    refused,
                    StoreError::DanglingLink { .. } | StoreError::File(_)
                ),
                "{refused}"
            );
        }
        assert!(fs::read_link(&link).is_ok(), "the link is as it was");
    }
    // Nor do its other files go where a link leads.
    for of in ["wl.keys", "wl.new"] {
        symlink(folder.join("elsewhere"), fixture.path.with_extension(of)).unwrap();
    }
    refusal(Store::create(&fixture.path, &key(1)), "test.wl");
    assert!(!folder.join("elsewhere").exists() && !fixture.path.exists());
}

#[test]
fn an_error_names_the_file_and_the_step() {
    let fixture = Fixture::new();
    let folder = fixture.path.parent().unwrap().canonicalize().unwrap();
    let lasting = |refused: StoreError| match refused {
        StoreError::File(fault) => fault.is_lasting(),
        other => panic!("{other:?}"),
    };
    assert!(lasting(refusal(Store::open(&folder, &key(1)), "opened")));
    let under_a_file = folder.join("file/store.wl");
    fs::write(folder.join("file"), b"no folder").unwrap();
    assert!(lasting(refusal(
        Store::create(&under_a_file, &key(1)),
        "made"
    )));
    assert!(lasting(refusal(
        Store::open(&under_a_file, &key(1)),
        "found"
    )));
    let long = folder.join("n".repeat(300));
    assert!(lasting(refusal(Store::create(&long, &key(1)), "nnn")));
    refusal(
        Store::create(&folder.join("no/such/store.wl"), &key(1)),
        "no/such/store.wl",
    );
    // Only of a store is it said that there is none.
    let none = Store::open(&folder.join("none.wl"), &key(1)).map(|_| ());
    assert_eq!(none, Err(StoreError::NotFound));
    // A name draws nothing on the screen of whoever reads the error.
    let refused = Store::create(&folder.join("no/\u{1b}[31m"), &key(1)).unwrap_err();
    assert!(!refused.to_string().contains('\u{1b}'));
}

#[test]
fn a_store_goes_on_when_the_process_goes_elsewhere() {
    let fixture = Fixture::new();
    drop(fixture.create());
    let relative = pathdiff(&fixture.path);
    let store = Store::open(&relative, &key(1)).unwrap();
    assert!(store.path().is_absolute());
}

/// The way there from where the process is.
fn pathdiff(path: &std::path::Path) -> PathBuf {
    let here = std::env::current_dir().unwrap();
    let mut way: PathBuf = here.components().skip(1).map(|_| "..").collect();
    way.extend(path.components().skip(1));
    way
}
