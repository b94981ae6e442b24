//! The contract: the protobuf files, the generated types, and the only conversions between wire and core.
pub mod wire {
    #![expect(missing_docs, clippy::all, clippy::unwrap_used, reason = "generated")]
    tonic::include_proto!("clearlane.v1");
}
