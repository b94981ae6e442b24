//! Names and ids, one type each, so that none can be taken for another.

/// The longest name of an asset, module, party or venue, in bytes: token addresses and order ids fit.
pub const NAME_BYTES_MAX: usize = 64;

/// Text of 1 to [`NAME_BYTES_MAX`] visible ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// Accepts a name; `None` if it is empty, too long, or holds other than visible ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Name> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (!text.is_empty() && text.len() <= NAME_BYTES_MAX && is_visible).then(|| Name(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names are found and ordered by their text.
impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The position in the table, as a `usize`.
            #[must_use]
            pub fn at(self) -> usize {
                usize::try_from(self.0).unwrap_or(usize::MAX)
            }

            /// The index of position `at`, saturating (tables are bounded far below).
            #[must_use]
            pub fn from_at(at: usize) -> $name {
                $name(u32::try_from(at).unwrap_or(u32::MAX))
            }
        }
    };
}

index!(
    /// An asset's place in the state's table of assets.
    AssetIndex
);
index!(
    /// A module's place in the state's table of modules.
    ModuleIndex
);
index!(
    /// A party's place in the state's table of parties.
    PartyIndex
);
index!(
    /// An account's place in the ledger.
    AccountIndex
);
index!(
    /// A venue's place: in the state's table, or in one auction's, as the field's owner says.
    VenueIndex
);
index!(
    /// A denomination's place in one auction's input.
    DenominationIndex
);
index!(
    /// A reserve's place in one auction's input.
    ReserveIndex
);
index!(
    /// An intent's place in one auction's input.
    IntentIndex
);
index!(
    /// A fact's place in one auction's input.
    FactIndex
);
index!(
    /// An owner's place in one batch of uniform prices.
    OwnerIndex
);

/// A solver's place in the state's table of solvers; 0 is the built-in floor bidder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SolverId(pub u32);

impl SolverId {
    /// The built-in bidder that every auction can fall back to.
    pub const FLOOR: SolverId = SolverId(0);
}

/// Counts auctions from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuctionId(pub u64);

/// A UUIDv7 that the client chose, unique within its party.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub [u8; 16]);

impl CommandId {
    /// The time the id was made, in milliseconds since 1970; `None` if it is no UUIDv7.
    #[must_use]
    pub fn millis(self) -> Option<u64> {
        let [a, b, c, d, e, f, version, _, variant, ..] = self.0;
        let is_version_7 = version >> 4 == 7 && variant >> 6 == 0b10;
        is_version_7.then(|| u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
    }
}

impl std::fmt::Debug for CommandId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

impl std::fmt::Display for CommandId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let dash = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(formatter, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

/// An Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, formatter)
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}
