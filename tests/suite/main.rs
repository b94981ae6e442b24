//! The integration suite: one binary, one module a subject.

mod books;
mod bundles;
mod conditions;
mod model;
mod refusals;
mod rewards;
mod selection;
mod tidy;
