//! A PostgreSQL server of a test's own: a new cluster in a temporary folder, reached by a socket in it alone, which syncs as one in earnest.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A server, which ends with this value.
pub struct Server {
    folder: TempDir,
    tools: PathBuf,
    user: Option<u32>,
}

impl Server {
    /// Nothing, with a word about it, where there is no PostgreSQL; with `CI` set that is a failure.
    pub fn start() -> Option<Self> {
        let Some(tools) = tools() else {
            assert!(std::env::var_os("CI").is_none(), "there is no PostgreSQL");
            println!("passed over: there is no PostgreSQL here (Debian's package \"postgresql\")");
            return None;
        };
        let server = Self::new(tools);
        let data = server.data();
        server.run(
            "initdb",
            &[
                "-U",
                "owner",
                "-A",
                "trust",
                "-N",
                "-E",
                "UTF8",
                "--locale=C",
                "-D",
                &data,
            ],
        );
        server.set(
            "listen_addresses = ''\nmax_connections = 40\nshared_buffers = 32MB\n\
             autovacuum_naptime = 10s\nwal_retrieve_retry_interval = 100ms\n",
        );
        server.up();
        Some(server)
    }

    /// A second server, which follows this one, and has everything that this one answers to a commit from now on.
    pub fn replica(&self) -> Self {
        let replica = Self::new(self.tools.clone());
        let (host, data) = (self.host(), replica.data());
        let arguments = [
            "-h", &host, "-U", "owner", "-D", &data, "-R", "-c", "fast", "-N",
        ];
        replica.run("pg_basebackup", &arguments);
        replica.set("");
        replica.up();
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'");
        self.sql("SELECT pg_reload_conf()");
        replica
    }

    /// Follows nobody any more, and can be written to.
    pub fn promote(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "promote"]);
    }

    fn new(tools: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("wl-pg").tempdir().unwrap();
        // It refuses to run as root.
        let root = fs::metadata(folder.path()).unwrap().uid() == 0;
        let user = root.then_some(65534);
        if let Some(user) = user {
            chown(folder.path(), Some(user), Some(user)).unwrap();
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            folder,
            tools,
            user,
        }
    }

    /// Adds settings to those it has. Of two of one name the later one counts, as here of the folder of a replica's socket.
    fn set(&self, settings: &str) {
        let file = Path::new(&self.data()).join("postgresql.auto.conf");
        let socket = format!("unix_socket_directories = '{}'\n", self.host());
        let before = fs::read_to_string(&file).unwrap();
        fs::write(file, before + settings + &socket).unwrap();
    }

    /// Begins, and waits until it takes connections.
    pub fn up(&self) {
        let log = self.folder.path().join("log");
        self.run(
            "pg_ctl",
            &[
                "-D",
                &self.data(),
                "-w",
                "-l",
                log.to_str().unwrap(),
                "start",
            ],
        );
    }

    /// Ends: `fast` as an administrator would, `immediate` as a machine that loses its power.
    pub fn down(&self, mode: &str) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-m", mode, "stop"]);
    }

    /// The address of the store `store`.
    pub fn address(&self, store: &str) -> String {
        let folder = self.folder.path().display();
        format!("postgresql://owner@/postgres?host={folder}&store={store}")
    }

    /// Copies the rows of a store; what is given puts them back.
    pub fn copy_rows<'a>(&'a self, store: &'a str) -> Box<dyn FnOnce() + 'a> {
        self.sql(&format!(
            "SET client_min_messages TO error; DROP TABLE IF EXISTS {store}.copy; CREATE TABLE {store}.copy AS TABLE {store}.rows"
        ));
        Box::new(move || {
            self.sql(&format!(
                "BEGIN; DELETE FROM {store}.rows; INSERT INTO {store}.rows TABLE {store}.copy; COMMIT"
            ));
        })
    }

    /// What `psql` answers to statements.
    pub fn sql(&self, sql: &str) -> String {
        let host = self.folder.path().to_str().unwrap();
        self.run(
            "psql",
            &[
                "-qAtX",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                host,
                "-U",
                "owner",
                "-d",
                "postgres",
                "-c",
                sql,
            ],
        )
    }

    /// The key slots of a store as they stand in its rows, where they are a text.
    pub fn slots_of(&self, store: &str) -> Vec<String> {
        let sql =
            format!("SELECT convert_from(v, 'UTF8') FROM {store}.slots WHERE n < 2 ORDER BY n");
        self.sql(&sql).lines().map(str::to_owned).collect()
    }

    /// The folder of the socket, for an address.
    pub fn host(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// All that a dump of the database shows.
    pub fn dump(&self) -> String {
        let host = self.folder.path().to_str().unwrap();
        self.run("pg_dump", &["-h", host, "-U", "owner", "postgres"])
    }

    /// The folder of everything that it has.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    fn run(&self, tool: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(self.tools.join(tool));
        command.args(arguments).current_dir(self.folder.path());
        command
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        // What it starts would keep a pipe open.
        let out = tempfile::tempfile().unwrap();
        let status = command.stdout(out.try_clone().unwrap()).status().unwrap();
        let mut said = Vec::new();
        use std::io::{Read, Seek};
        let mut out = out;
        out.rewind().unwrap();
        out.read_to_end(&mut said).unwrap();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        assert!(status.success(), "{tool} {arguments:?}: {said}");
        said
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data();
        if Path::new(&data).join("postmaster.pid").exists() {
            self.down("immediate");
        }
    }
}

/// Where the server's programs are: Debian keeps them out of the path.
fn tools() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<_> = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let all = ["initdb", "pg_ctl", "psql", "pg_dump", "pg_basebackup"];
    let has_all = |folder: &PathBuf| all.iter().all(|tool| folder.join(tool).is_file());
    folders.into_iter().find(has_all)
}
