//! A solver engine for CoW's driver: HTTP/1.1 over TCP, one request answered by one strategy.
//!
//! `POST /solve` answers an auction, `POST /notify` takes notice, `GET /healthz` says that it is there.

use std::convert::Infallible;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use clearlane_core::refusal::Refusal;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{info, warn};

use super::answer::{Answered, answer, deadline};
use crate::formats::{self, Auction, CowTerms};
use crate::session::stop_asked;
use crate::strategy::{self, Budget, UnknownStrategy};

/// The largest request: as large as CoW's own engines take, and nine times the captured auction of 527 orders.
const BODY_BYTES_MAX: usize = 10 << 20;
/// The longest that the head of a request may take to arrive, and then its body: a driver is near, and sends at once.
const ARRIVAL_MAX: Duration = Duration::from_secs(10);
/// The most connections at once: a driver keeps a few open, and each may hold a request in memory.
const CONNECTIONS_MAX: usize = 64;
/// The pause after a connection that could not be accepted.
const ACCEPTED_AGAIN: Duration = Duration::from_millis(100);
/// The longest that open connections are waited for once it is to stop: longer than a body takes to arrive, with time for
/// its answer, which is cut short then. A request whose head has not arrived yet may be cut.
const STOPPING_MAX: Duration = Duration::from_secs(15);
/// The part of the time until the deadline that is kept for sending an answer: one in this many.
const MARGIN_PART: u32 = 10;
/// The part of the time allowed by which an answer may be late, so that what was found in time is still told: one in
/// this many.
const OVERDUE_PART: u32 = 20;
/// The longest that an answer takes to compute, whatever the deadline: nothing is bid for so late.
const SOLVING_MAX: Duration = Duration::from_secs(120);
/// The longest from one answer of a connection to the next: half a minute more than the head, the body and the solving of
/// a request take, so that the answer before it is sent too. A peer that reads none would keep its connection for ever.
const BETWEEN_ANSWERS_MAX: Duration = Duration::from_secs(180);

/// How requests are answered.
#[derive(Clone)]
pub struct ServeOptions {
    /// The name of the strategy.
    pub strategy: String,
    /// The longest that an answer may take, within the request's own deadline.
    pub budget: Option<Duration>,
}

/// What all requests share.
struct Engine {
    options: ServeOptions,
    /// One permit for each request that is solved: strategies compute, and more of them would all be late.
    solving: Arc<Semaphore>,
    is_stopping: AtomicBool,
}

/// Answers requests until `stop` holds true or its sender is gone; what is being solved then is cut short and answered.
///
/// # Errors
///
/// If there is no such strategy.
pub async fn serve(
    listener: TcpListener,
    options: ServeOptions,
    mut stop: watch::Receiver<bool>,
) -> Result<(), UnknownStrategy> {
    strategy::strategy(&options.strategy)?;
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let engine = Arc::new(Engine {
        options,
        solving: Arc::new(Semaphore::new(processors)),
        is_stopping: AtomicBool::new(false),
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop_asked(&mut stop) => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    let served = connection(stream, Arc::clone(&engine), stop.clone(), BETWEEN_ANSWERS_MAX);
                    connections.spawn(served);
                }
                Err(error) => {
                    // One that went away before it was taken, or no free file: the next one may do better.
                    warn!(%error, "a connection was lost");
                    tokio::time::sleep(ACCEPTED_AGAIN).await;
                }
            },
        }
    }
    engine.is_stopping.store(true, Ordering::Relaxed);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOPPING_MAX, ended).await.is_err() {
        warn!("connections that did not end were cut");
    }
    Ok(())
}

/// Answers the requests of one connection until its peer goes, a stop is asked for, or there is no answer for that long.
async fn connection(
    stream: TcpStream,
    engine: Arc<Engine>,
    mut stop: watch::Receiver<bool>,
    between_answers_max: Duration,
) {
    let answered = Arc::new(Notify::new());
    let service = service_fn(|request| {
        let (engine, answered) = (Arc::clone(&engine), Arc::clone(&answered));
        async move {
            let response = respond(&engine, request).await;
            answered.notify_one();
            Ok::<_, Infallible>(response)
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ARRIVAL_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if let Err(error) = ended {
                    info!(%error, "a connection broke off");
                }
                return;
            }
            () = stop_asked(&mut stop), if !is_stopping => {
                is_stopping = true;
                served.as_mut().graceful_shutdown();
            }
            () = answered.notified() => {}
            // Begun anew by each of the above.
            () = tokio::time::sleep(between_answers_max) => {
                info!("a connection without an answer for too long was cut");
                return;
            }
        }
    }
}

async fn respond(engine: &Arc<Engine>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => response(StatusCode::OK, &json!({ "status": "ok" })),
        (&Method::POST, "/solve") => match body(request).await {
            Ok(bytes) => solve(engine, bytes).await,
            Err(refused) => refused,
        },
        (&Method::POST, "/notify") => match body(request).await {
            Ok(bytes) => {
                info!(notice = %String::from_utf8_lossy(bytes.get(..NOTICE_SHOWN_MAX).unwrap_or(&bytes)), "told");
                response(StatusCode::OK, &json!({}))
            }
            Err(refused) => refused,
        },
        (_, "/healthz" | "/solve" | "/notify") => {
            refusal(StatusCode::METHOD_NOT_ALLOWED, "expected GET /healthz, POST /solve or POST /notify")
        }
        _ => refusal(StatusCode::NOT_FOUND, "expected /solve, /notify or /healthz"),
    }
}

/// The bytes of a notice that are said.
const NOTICE_SHOWN_MAX: usize = 512;

async fn body(request: Request<Incoming>) -> Result<Bytes, Response<Full<Bytes>>> {
    let collected = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    match tokio::time::timeout(ARRIVAL_MAX, collected).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("expected at most {BODY_BYTES_MAX} bytes, found more");
            Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, &message))
        }
        Ok(Err(error)) => Err(refusal(StatusCode::BAD_REQUEST, &format!("expected a whole request: {error}"))),
        Err(_) => {
            let message = format!("expected the request within {} seconds", ARRIVAL_MAX.as_secs());
            Err(refusal(StatusCode::REQUEST_TIMEOUT, &message))
        }
    }
}

async fn solve(engine: &Arc<Engine>, bytes: Bytes) -> Response<Full<Bytes>> {
    let Ok(permit) = Arc::clone(&engine.solving).try_acquire_owned() else {
        return refusal(StatusCode::TOO_MANY_REQUESTS, "expected fewer requests at once, found all processors busy");
    };
    let read = tokio::task::spawn_blocking(move || formats::read_cow_request(&bytes)).await;
    let (auction, terms) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(error) => return refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    };
    let name = auction.market.name.clone();
    let allowed = match allowed(&engine.options, &terms) {
        Ok(allowed) => allowed,
        Err(refused) => return refusal(StatusCode::BAD_REQUEST, &format!("{}: {}", refused.field, refused.message)),
    };
    let solving = Arc::clone(engine);
    let task = tokio::task::spawn_blocking(move || {
        let answered = solved(&solving, &auction, &terms, allowed);
        // Only now may another request take its place, also where nobody waits for this answer any more.
        drop(permit);
        answered
    });
    match tokio::time::timeout(allowed + allowed / OVERDUE_PART, task).await {
        Ok(Ok(Ok(answered))) => response(StatusCode::OK, &answered.json),
        Ok(Ok(Err(error))) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        Ok(Err(error)) => {
            warn!(%error, "the strategy panicked");
            refusal(StatusCode::INTERNAL_SERVER_ERROR, "expected the strategy to return")
        }
        Err(_) => {
            warn!(auction = name, allowed_ms = millis(allowed), "no answer in time");
            response(StatusCode::OK, &json!({ "solutions": [] }))
        }
    }
}

/// How long an answer may take to compute: until the request's deadline, less what sending takes, and within the budget.
fn allowed(options: &ServeOptions, terms: &CowTerms) -> Result<Duration, Refusal> {
    let left = deadline(terms)?.map(|due| due.duration_since(SystemTime::now()).unwrap_or_default());
    let usable = left.map_or(SOLVING_MAX, |left| left.saturating_sub(left / MARGIN_PART));
    Ok(options.budget.unwrap_or(SOLVING_MAX).min(usable).min(SOLVING_MAX))
}

fn solved(
    engine: &Engine,
    auction: &Auction,
    terms: &CowTerms,
    allowed: Duration,
) -> Result<Answered, UnknownStrategy> {
    let started = Instant::now();
    let strategy = strategy::strategy(&engine.options.strategy)?;
    let ends_at = started + allowed;
    let is_spent = || engine.is_stopping.load(Ordering::Relaxed) || Instant::now() >= ends_at;
    let budget = Budget::new(&is_spent).ending_at(ends_at);
    let answered = answer(auction, terms, strategy.as_ref(), &budget);
    info!(
        auction = auction.market.name,
        orders = auction.market.orders.len(),
        refused = answered.refused.len(),
        solutions = answered.solutions,
        traded = answered.orders,
        allowed_ms = millis(allowed),
        elapsed_ms = millis(started.elapsed()),
        "answered"
    );
    for (name, refusal) in answered.refused.iter().take(REFUSALS_SAID_MAX) {
        info!(name, %refusal, "not carried");
    }
    Ok(answered)
}

/// The refusals of a request that are said one by one.
const REFUSALS_SAID_MAX: usize = 10;

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn response(status: StatusCode, json: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(json.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    response
}

fn refusal(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    warn!(status = status.as_u16(), message, "refused");
    response(status, &json!({ "error": { "code": "other", "message": message } }))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpSocket;

    use super::*;

    /// Small, so that few answers fill what lies between both sides.
    fn socket() -> TcpSocket {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_send_buffer_size(4096).and_then(|()| socket.set_recv_buffer_size(4096)).expect("a size");
        socket
    }

    #[tokio::test]
    async fn a_peer_that_reads_no_answer_does_not_keep_its_connection() {
        let server = socket();
        server.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
        let listener = server.listen(1).expect("a listener");
        let mut peer = socket().connect(listener.local_addr().expect("an address")).await.expect("a connection");
        let (stream, _) = listener.accept().await.expect("the peer");
        let asking =
            tokio::spawn(
                async move { while peer.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.is_ok() {} },
            );
        let options = ServeOptions { strategy: "joint".to_owned(), budget: None };
        let (solving, is_stopping) = (Arc::new(Semaphore::new(1)), AtomicBool::new(false));
        let (_stop, stopped) = watch::channel(false);
        let served =
            connection(stream, Arc::new(Engine { options, solving, is_stopping }), stopped, Duration::from_millis(50));
        tokio::time::timeout(Duration::from_secs(60), served).await.expect("the connection is cut");
        asking.await.expect("the peer hears of it");
    }
}
