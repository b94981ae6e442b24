//! A CoW solver engine as a strategy: it is asked over HTTP, and what it answers is proposed.
//!
//! Whatever it does, the auction is answered in time: an engine that is away, slow, wrong or without end costs one line
//! in the log and this auction's bids.

use std::time::{Duration, Instant, SystemTime};

use clearlane_core::auction::AuctionInput;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tracing::{info, warn};

use super::question::Question;
use super::reply::Reply;
use crate::strategy::{Budget, Proposal, Strategy};

/// The largest answer that is read: twenty thousand orders of half a kilobyte each.
const ANSWER_BYTES_MAX: usize = 10 << 20;
/// The longest that an engine is waited for where an auction has no deadline.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// The part of the time that is kept for reading and checking the answer: one in this many.
const MARGIN_PART: u32 = 10;
/// How often it is looked whether the auction is over.
const CHECKED_EVERY: Duration = Duration::from_millis(20);
/// The refusals of an answer that are said one by one.
const REFUSALS_SAID_MAX: usize = 10;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViaCow {
    /// host:port.
    authority: String,
    /// With its port.
    address: String,
    path: String,
}

/// Why a text is no address of a solver engine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a solver engine as http://host:port, over plain HTTP only, found {0}")]
pub struct NoEngine(String);

/// Why an engine's answer could not be used.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("expected a connection to {0}: {1}")]
    Unreachable(String, std::io::Error),
    #[error("expected HTTP: {0}")]
    Broken(#[from] hyper::Error),
    #[error("expected a request that HTTP can carry: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("expected status 200, found {0}")]
    Status(StatusCode),
    #[error("expected a whole answer of at most {ANSWER_BYTES_MAX} bytes: {0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("expected an answer within {} ms", .0.as_millis())]
    Late(Duration),
    #[error("expected an answer before the auction was over")]
    Over,
    #[error("can't wait for an answer: {0}")]
    Runtime(std::io::Error),
}

impl ViaCow {
    /// The engine at `http://host:port`, or `http://host:port/base` for one whose API is not at the root.
    ///
    /// # Errors
    ///
    /// If the text is no such address.
    pub fn new(url: &str) -> Result<ViaCow, NoEngine> {
        let no_engine = || NoEngine(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| no_engine())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http") && uri.query().is_none());
        let authority = authority.ok_or_else(no_engine)?;
        let port = authority.port_u16().unwrap_or(80);
        Ok(ViaCow {
            authority: authority.to_string(),
            address: format!("{}:{port}", authority.host()),
            path: format!("{}/solve", uri.path().trim_end_matches('/')),
        })
    }

    async fn ask(&self, question: String) -> Result<Bytes, Unanswered> {
        let stream = TcpStream::connect(&self.address).await;
        let stream = stream.map_err(|error| Unanswered::Unreachable(self.address.clone(), error))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.path)
            .header(HOST, &self.authority)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(question)))?;
        let exchange = async {
            let response = sender.send_request(request).await?;
            if response.status() != StatusCode::OK {
                return Err(Unanswered::Status(response.status()));
            }
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            Ok(body.map_err(Unanswered::Body)?.to_bytes())
        };
        tokio::pin!(exchange, connection);
        tokio::select! {
            biased;
            answer = &mut exchange => answer,
            ended = &mut connection => {
                ended?;
                exchange.await
            }
        }
    }

    /// The answer, if it comes within `wait` and before the budget is spent.
    fn answer(&self, question: String, wait: Duration, budget: &Budget<'_>) -> Result<Bytes, Unanswered> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Unanswered::Runtime)?;
        let answer = runtime.block_on(async {
            let over = async {
                while !budget.is_spent() {
                    tokio::time::sleep(CHECKED_EVERY).await;
                }
            };
            tokio::select! {
                biased;
                asked = tokio::time::timeout(wait, self.ask(question)) => asked.unwrap_or(Err(Unanswered::Late(wait))),
                () = over => Err(Unanswered::Over),
            }
        });
        // A name that is still being looked up blocks its thread, and dropping the runtime would wait for it.
        runtime.shutdown_background();
        answer
    }
}

impl Strategy for ViaCow {
    fn name(&self) -> &'static str {
        "cow"
    }

    fn solve(&self, input: &AuctionInput, budget: &Budget<'_>) -> Proposal {
        let left = budget.ends_at().map_or(WAIT_MAX, |ends_at| ends_at.saturating_duration_since(Instant::now()));
        let wait = left.saturating_sub(left / MARGIN_PART);
        let question = Question::of(input, SystemTime::now() + wait);
        let (auction, orders) = (input.auction.0, question.orders.len());
        let (intents, venues) = question.left_out;
        info!(auction, orders, intents_left_out = intents, venues_left_out = venues, engine = self.address, "asking");
        let answer = match self.answer(question.json.to_string(), wait, budget) {
            Ok(answer) => answer,
            Err(error) => {
                warn!(auction, engine = self.address, %error, "no answer");
                return Proposal::default();
            }
        };
        match Reply::read(input, &question, &answer) {
            Ok(reply) => {
                for (solution, refusal) in reply.refused.iter().take(REFUSALS_SAID_MAX) {
                    warn!(auction, solution, %refusal, "solution refused");
                }
                info!(auction, bundles = reply.bundles.len(), refused = reply.refused.len(), "answered");
                reply.bundles.into()
            }
            Err(refusal) => {
                warn!(auction, engine = self.address, %refusal, "answer refused");
                Proposal::default()
            }
        }
    }
}
