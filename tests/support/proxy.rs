//! A way to a database server that fails when a test wants it to.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::postgres::Server;

/// A way to a server that can be cut behind any answer.
pub struct Proxy {
    folder: tempfile::TempDir,
    /// Whether the next answer is kept back, and the connection with it.
    pub cut: Arc<AtomicBool>,
}

impl Proxy {
    pub fn new(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let (to, cuts) = (server.folder().join(".s.PGSQL.5432"), Arc::clone(&cut));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (to, cuts) = (to.clone(), Arc::clone(&cuts));
                thread::spawn(move || pass_on(client, &to, &cuts));
            }
        });
        Self { folder, cut }
    }

    /// The address of the store `store` through it.
    pub fn address(&self, store: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgresql://owner@/postgres?host={folder}&store={store}")
    }
}

/// Both ways, until the answer is to be kept back.
fn pass_on(client: UnixStream, to: &Path, cut: &AtomicBool) {
    let server = UnixStream::connect(to).unwrap();
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    let (mut server, mut client) = (server, client);
    let mut answer = [0; 8192];
    while let Ok(len @ 1..) = server.read(&mut answer) {
        if cut.swap(false, Ordering::SeqCst) {
            break;
        }
        if client.write_all(&answer[..len]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(std::net::Shutdown::Both);
}
