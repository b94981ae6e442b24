//! What others do with the same batch: rebuilt here in small, or called, to measure against.
//!
//! Every peer settles by the same [`settle`](super::settlement::settle), on threads of one call. Nothing here
//! clears anything: no result of a peer reaches the engine.

pub(crate) mod barriers;
pub(crate) mod block_stm;
pub(crate) mod locks;
pub(crate) mod priority_graph;
mod threads;

#[cfg(test)]
mod tests;
