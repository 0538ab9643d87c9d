//! A way to Vault that fails when a test wants it to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Where a trip is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing of it arrives.
    Before,
    /// It is done, and not answered.
    Behind,
}

/// Trips, and which of them fails.
pub struct Gate {
    at: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    trips: u32,
    cut: Option<(u32, Cut)>,
}

impl Gate {
    pub fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let of_trips = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&of_trips);
                thread::spawn(move || pass_on(client, to, &state));
            }
        });
        Self { at, state }
    }

    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// From now on counts anew, and all trips from number `from` on are cut: those of a process that is no more.
    pub fn cut(&self, cut: Option<(u32, Cut)>) {
        *self.state.lock().unwrap() = State { trips: 0, cut };
    }

    pub fn trips(&self) -> u32 {
        self.state.lock().unwrap().trips
    }
}

fn pass_on(mut client: TcpStream, to: SocketAddr, state: &Mutex<State>) {
    let cut = {
        let mut state = state.lock().unwrap();
        let number = state.trips;
        state.trips += 1;
        match state.cut {
            Some((from, cut)) if number == from => Some(cut),
            Some((from, _)) if number > from => Some(Cut::Before),
            _ => None,
        }
    };
    if cut == Some(Cut::Before) {
        return;
    }
    let Some(request) = whole(&mut client) else {
        return;
    };
    let mut server = TcpStream::connect(to).unwrap();
    server.write_all(&request).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    if cut.is_none() {
        let _ = client.write_all(&answer);
    }
}

/// A request, with its content.
pub fn whole(client: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut found, mut part) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = found.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&found[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if found.len() >= end + 4 + length.unwrap_or(0) {
                return Some(found);
            }
        }
        match client.read(&mut part) {
            Ok(len @ 1..) => found.extend_from_slice(&part[..len]),
            _ => return None,
        }
    }
}
