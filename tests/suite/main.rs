//! The integration suite: one binary, one module a subject.

mod books;
mod bundles;
mod conditions;
mod model;
mod refusals;
mod selection;
mod tidy;
