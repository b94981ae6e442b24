//! The integration suite: one binary, one module a subject.

mod books;
mod bundles;
mod refusals;
mod tidy;
