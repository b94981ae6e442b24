//! How servers read requests: a field that this version does not know is refused, since whoever sent it meant
//! something by it. Clients read replies leniently, so that a newer engine may say more.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf as _;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};

/// Encodes replies as ever and decodes requests strictly.
#[derive(Clone, Debug)]
pub struct StrictCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for StrictCodec<T, U> {
    fn default() -> StrictCodec<T, U> {
        StrictCodec(PhantomData)
    }
}

impl<T, U> Codec for StrictCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = StrictDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        StrictDecoder(PhantomData)
    }
}

/// Decodes a message that holds nothing but known fields.
#[derive(Clone, Debug)]
pub struct StrictDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for StrictDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let found = bytes.remaining();
        let message =
            U::decode(bytes).map_err(|error| Status::invalid_argument(format!("MALFORMED (message): {error}")))?;
        check_length(&message, found).map(|()| Some(message))
    }
}

/// What is left out in decoding is missing in the length: unknown fields, at any depth, and values given twice.
fn check_length(message: &impl Message, found: usize) -> Result<(), Status> {
    let known = message.encoded_len();
    if known == found {
        return Ok(());
    }
    let text = format!("expected {known} bytes of known fields in their shortest form, found {found}");
    Err(Status::invalid_argument(format!("UNKNOWN_FIELD (message): {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn an_unknown_field_is_noticed_at_any_depth() {
        let withdraw = wire::WithdrawSolution { auction: 7, version: 0 };
        let message = wire::SolverMessage { message: Some(wire::solver_message::Message::Withdraw(withdraw)) };
        let bytes = message.encode_to_vec();
        check_length(&message, bytes.len()).expect("known fields");
        // Field 100 as a varint of 1, behind the message and within the withdrawal.
        let unknown = [0xa0, 0x06, 0x01];
        let outer = [&bytes, &unknown[..]].concat();
        let inner = [&[bytes[0], bytes[1] + 3], &bytes[2..], &unknown[..]].concat();
        for bytes in [outer, inner] {
            let read = wire::SolverMessage::decode(bytes.as_slice()).expect("prost skips what it does not know");
            assert_eq!(read, message);
            let refused = check_length(&read, bytes.len()).expect_err("an unknown field");
            assert!(refused.message().starts_with("UNKNOWN_FIELD (message)"), "{refused}");
        }
    }
}
