//! The integration suite: one binary, one module a subject.

mod books;
mod bundles;
mod certificate;
mod conditions;
mod deltas;
mod floor;
mod lanes;
mod model;
mod receipts;
mod refusals;
mod rewards;
mod selection;
mod tidy;
mod venues;
