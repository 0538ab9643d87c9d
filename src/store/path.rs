//! Names of files: which file one means, those beside it, how a file gets one, and how long it lasts.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::fault::{FileFault, shown};

/// The one name of a store that is there, whatever links led to it and wherever the process goes later.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn of_store(path: &Path) -> Result<PathBuf, StoreError> {
    match fs::canonicalize(path) {
        Ok(path) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse_dangling(path)?;
            Err(StoreError::NotFound)
        }
        Err(error) => Err(fault(path, "found", error)),
    }
}

/// The one name of a file that is to be made; whatever is there already, and a link to nowhere, is refused.
pub(crate) fn of_new(path: &Path) -> Result<PathBuf, StoreError> {
    let Some(name) = path.file_name() else {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "it is no name of a file");
        return Err(fault(path, "made", error));
    };
    let folder = fs::canonicalize(folder_of(path)).map_err(|e| fault(path, "made", e))?;
    let path = folder.join(name);
    match fs::symlink_metadata(&path) {
        Ok(_) => {
            refuse_dangling(&path)?;
            let error = io::Error::new(io::ErrorKind::AlreadyExists, "there is a file already");
            Err(fault(&path, "made", error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path),
        Err(error) => Err(fault(&path, "made", error)),
    }
}

fn refuse_dangling(path: &Path) -> Result<(), StoreError> {
    match fs::read_link(path) {
        Ok(target) if !path.exists() => Err(StoreError::DanglingLink {
            path: shown(path),
            target: shown(&target),
        }),
        _ => Ok(()),
    }
}

/// What an error says of a file.
pub(crate) fn fault(path: &Path, step: &'static str, error: io::Error) -> StoreError {
    StoreError::File(FileFault::new(path, step, &error))
}

pub(super) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().unwrap_or(Path::new("."));
    if folder.as_os_str().is_empty() {
        return Path::new(".");
    }
    folder
}

/// For a new file that is only its owner's to read. Whatever has its name, be it a link, is left alone and refused.
pub(crate) fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    owners_only(&mut options);
    options
}

/// A file that these options make is its owner's alone to read.
pub(crate) fn owners_only(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Gives a whole file its name, durably, and only if nothing has it.
pub(crate) fn publish(unfinished: &Path, path: &Path) -> Result<(), StoreError> {
    let named = |error| fault(path, "made", error);
    match fs::hard_link(unfinished, path) {
        Ok(()) => fs::remove_file(unfinished).map_err(|e| fault(unfinished, "removed", e))?,
        // Somebody has it, or it is a file system without a second name for a file: the name is taken first, and then given.
        Err(_) => {
            new_file().open(path).map_err(named)?;
            fs::rename(unfinished, path).map_err(named)?;
        }
    }
    sync_folder_of(path)
}

/// A name is durable once its folder is.
pub(super) fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    if cfg!(unix) {
        let folder = folder_of(path);
        let synced = File::open(folder).and_then(|open| open.sync_all());
        synced.map_err(|error| fault(folder, "synced", error))?;
    }
    Ok(())
}

/// `path` with a dot and `suffix` behind its whole name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

#[cfg(unix)]
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn kind(refused: Result<(), StoreError>) -> io::ErrorKind {
        match refused {
            Err(StoreError::File(fault)) => fault.kind(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_that_somebody_has_is_given_to_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let [unfinished, path] = ["new", "whole"].map(|name| folder.path().join(name));
        fs::write(&unfinished, b"ours").unwrap();
        publish(&unfinished, &path).unwrap();
        assert!(!unfinished.exists());
        fs::write(&unfinished, b"another").unwrap();
        let refused = publish(&unfinished, &path);
        assert_eq!(kind(refused), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert_eq!(fs::read(&unfinished).unwrap(), b"another");
    }

    #[test]
    fn a_folder_that_cannot_be_synced_is_told() {
        let folder = tempfile::tempdir().unwrap();
        sync_folder_of(&folder.path().join("file")).unwrap();
        let nowhere = sync_folder_of(&folder.path().join("no/file"));
        assert_eq!(kind(nowhere), io::ErrorKind::NotFound);
    }
}
