//! Streams to clients: each ends when the engine stops, and with a status where the client must know why.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio_stream::Stream;
use tonic::Status;

use crate::phase::{Phase, Phases};

type Stopped = Pin<Box<dyn Future<Output = ()> + Send>>;
type Ending = Box<dyn Fn() -> Option<Status> + Send>;

/// Why a stream ends, told once by whoever feeds it.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict(Arc<OnceLock<Status>>);

impl Verdict {
    /// What was told, if something was.
    pub(super) fn told(&self) -> Option<Status> {
        self.0.get().cloned()
    }

    /// Says why; the first reason counts.
    pub(super) fn tell(&self, status: Status) {
        let _ = self.0.set(status);
    }
}

/// A stream that ends with its items or with the engine, whichever is first.
///
/// Dropped with the client's call, it drops what feeds it; no task stands between the two.
pub(super) struct Served<S> {
    items: Pin<Box<S>>,
    stopped: Stopped,
    ending: Ending,
    at_stop: Option<Status>,
    is_over: bool,
}

impl<S> Served<S> {
    /// Serves these items, and after the last of them the status that `ending` gives, if it gives one.
    pub(super) fn new(items: S, phases: &Phases, ending: impl Fn() -> Option<Status> + Send + 'static) -> Served<S> {
        let mut phases = phases.clone();
        let stopped = Box::pin(async move { phases.reached(Phase::Stopped).await });
        Served { items: Box::pin(items), stopped, ending: Box::new(ending), at_stop: None, is_over: false }
    }

    /// The same, but a stop ends it with a status, since its items are not complete then.
    pub(super) fn incomplete_at_stop(self, status: Status) -> Served<S> {
        Served { at_stop: Some(status), ..self }
    }
}

impl<S, T> Stream for Served<S>
where
    S: Stream<Item = Result<T, Status>>,
{
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let last = match self.items.as_mut().poll_next(context) {
            Poll::Ready(Some(item)) => return Poll::Ready(Some(item)),
            Poll::Ready(None) => (self.ending)(),
            // Only once nothing is ready: what the last batches did still goes out.
            Poll::Pending => match self.stopped.as_mut().poll(context) {
                Poll::Ready(()) => self.at_stop.take(),
                Poll::Pending => return Poll::Pending,
            },
        };
        self.is_over = true;
        Poll::Ready(last.map(Err))
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, watch};
    use tokio_stream::StreamExt as _;
    use tokio_stream::wrappers::ReceiverStream;

    use super::*;

    #[tokio::test]
    async fn a_stop_ends_a_stream_after_what_is_ready() {
        let (engine, receiver) = watch::channel(Phase::Working);
        let (sender, items) = mpsc::channel(2);
        let served = Served::new(ReceiverStream::new(items), &Phases::new(receiver), || None);
        let mut served = served.incomplete_at_stop(Status::unavailable("stopping"));
        sender.send(Ok(1)).await.expect("room");
        engine.send_replace(Phase::Stopped);
        assert_eq!(served.next().await.map(Result::ok), Some(Some(1)));
        let end = served.next().await.and_then(Result::err).map(|status| status.code());
        assert_eq!(end, Some(tonic::Code::Unavailable));
        assert!(served.next().await.is_none());
    }

    #[tokio::test]
    async fn a_verdict_follows_the_last_item_and_a_dropped_stream_drops_its_source() {
        let (_engine, receiver) = watch::channel(Phase::Working);
        let phases = Phases::new(receiver);
        let (sender, items) = mpsc::channel::<Result<u8, Status>>(2);
        let verdict = Verdict::default();
        let told = verdict.clone();
        let mut served = Served::new(ReceiverStream::new(items), &phases, move || told.told());
        verdict.tell(Status::resource_exhausted("slow"));
        drop(sender);
        let end = served.next().await.and_then(Result::err).map(|status| status.code());
        assert_eq!(end, Some(tonic::Code::ResourceExhausted));
        let (sender, items) = mpsc::channel::<Result<u8, Status>>(2);
        drop(Served::new(ReceiverStream::new(items), &phases, || None));
        assert!(sender.is_closed());
    }
}
