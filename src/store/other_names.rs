//! A file may have several names that are no links to each other. The key slots are beside one of them.

use std::fs::{self, DirEntry, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::path::{beside, folder_of};

/// How many files are looked at for the one, so that a name in a full folder holds up nobody.
const MAX_SEARCHED: usize = 10_000;

/// Whether there are other names of this file, somewhere.
pub(super) fn are_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.nlink() > 1)
}

/// The name beside which this file's key slots are, if it has others and that one is near: in the folder of the name that is known, in
/// the one above, or in one directly in these. A file says nowhere what else it is called.
pub(super) fn with_key_slots(path: &Path) -> Option<PathBuf> {
    let file = fs::metadata(path).ok().filter(|file| file.nlink() > 1)?;
    let folder = folder_of(path);
    let above = folder.parent();
    let near = || std::iter::once(folder).chain(above).flat_map(entries);
    let within = near()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir());
    near()
        .chain(within.flat_map(|folder| entries(&folder)))
        .take(MAX_SEARCHED)
        .filter(|entry| is(entry, &file))
        .map(|entry| entry.path())
        .find(|name| beside(name, "keys").is_file())
}

fn entries(folder: &Path) -> impl Iterator<Item = DirEntry> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

fn is(entry: &DirEntry, file: &Metadata) -> bool {
    let found = entry.metadata();
    found.is_ok_and(|found| (found.dev(), found.ino()) == (file.dev(), file.ino()))
}
