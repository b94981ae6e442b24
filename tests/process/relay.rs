//! A relay between a client and an engine that loses answers: it cuts the connection where they would pass.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Starts a relay to `engine` that loses the first `losses` answers with `needle` in them; returns its address.
pub(crate) fn losing(engine: &str, needle: [u8; 16], losses: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let (engine, losses) = (engine.to_owned(), Arc::new(AtomicUsize::new(losses)));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(&engine)) else { continue };
            let clone = |stream: &TcpStream| stream.try_clone().expect("a second handle");
            let (asks, asked) = (clone(&client), clone(&server));
            std::thread::spawn(move || pass(asks, asked, |_| true));
            let losses = Arc::clone(&losses);
            std::thread::spawn(move || pass(server, client, |bytes| !is_lost(bytes, &needle, &losses)));
        }
    });
    address
}

fn is_lost(bytes: &[u8], needle: &[u8], losses: &AtomicUsize) -> bool {
    let is_answer = bytes.windows(needle.len()).any(|window| window == needle);
    let lose = |left: usize| left.checked_sub(1);
    is_answer && losses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, lose).is_ok()
}

/// Passes bytes on until one side is closed or something must not pass, then closes both.
fn pass(mut from: TcpStream, mut to: TcpStream, may_pass: impl Fn(&[u8]) -> bool) {
    let mut buffer = [0_u8; 65_536];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || !may_pass(&buffer[..count]) || to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        // The other thread may have closed it before.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
