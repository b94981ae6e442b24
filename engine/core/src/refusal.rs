//! Refusals: named reasons with the field they are about, data and not exceptions.

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Why something was refused; one reason a rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// Every reason, in the order of declaration.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// The stable code that goes over the wire and into scripts.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)* }
            }

            /// The reason with this code.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Reason> {
                Reason::ALL.iter().copied().find(|reason| reason.code() == code)
            }
        }
    };
}

reasons! {
    /// The message is not what the schema says.
    Malformed = "MALFORMED",
    /// The message holds fields that this version does not know.
    UnknownField = "UNKNOWN_FIELD",
    /// The message or a list in it is larger than allowed.
    TooLarge = "TOO_LARGE",
    /// A queue is full or a limit is reached; try again later.
    Exhausted = "RESOURCE_EXHAUSTED",
    /// The signature does not match key and bytes.
    BadSignature = "BAD_SIGNATURE",
    /// The key is not registered or was revoked.
    UnknownKey = "UNKNOWN_KEY",
    /// The key may not do this or not act for this party.
    NotAuthorized = "NOT_AUTHORIZED",
    /// The field is part of the contract, but this engine can't honour it yet.
    NotSupported = "NOT_SUPPORTED",
    /// A required field is missing.
    Missing = "MISSING",
    /// The id is not a UUIDv7, or its time lies outside the window in which ids are remembered.
    IdOutsideWindow = "ID_OUTSIDE_WINDOW",
    /// The id was used before with other bytes.
    IdReused = "ID_REUSED",
    /// A name is already taken with other properties.
    AlreadyExists = "ALREADY_EXISTS",
    /// A name is empty, too long, or has other than visible ASCII.
    BadName = "BAD_NAME",
    /// No such asset.
    UnknownAsset = "UNKNOWN_ASSET",
    /// No such module.
    UnknownModule = "UNKNOWN_MODULE",
    /// No such party.
    UnknownParty = "UNKNOWN_PARTY",
    /// The party has no account of this asset and module.
    UnknownAccount = "UNKNOWN_ACCOUNT",
    /// No such venue.
    UnknownVenue = "UNKNOWN_VENUE",
    /// No such intent.
    UnknownIntent = "UNKNOWN_INTENT",
    /// No such option of the intent.
    UnknownOption = "UNKNOWN_OPTION",
    /// An amount is zero where it must be positive.
    AmountZero = "AMOUNT_ZERO",
    /// An amount is negative.
    AmountNegative = "AMOUNT_NEGATIVE",
    /// A text is not an amount.
    AmountMalformed = "AMOUNT_MALFORMED",
    /// An amount has more decimals than its asset.
    AmountTooPrecise = "AMOUNT_TOO_PRECISE",
    /// An amount is larger than may exist or be traded.
    AmountTooLarge = "AMOUNT_TOO_LARGE",
    /// A parameter lies outside its range.
    OutOfRange = "OUT_OF_RANGE",
    /// The deadline has passed, or would pass before it could be met.
    DeadlinePassed = "DEADLINE_PASSED",
    /// The deadline is earlier than the start of validity.
    DeadlineBeforeStart = "DEADLINE_BEFORE_START",
    /// The intent names no limit, so anything could be paid.
    LimitRequired = "LIMIT_REQUIRED",
    /// The limits contradict each other or can never hold.
    LimitImpossible = "LIMIT_IMPOSSIBLE",
    /// The free balance does not cover the amount.
    InsufficientFunds = "INSUFFICIENT_FUNDS",
    /// The intent is in a terminal state.
    AlreadyFinal = "ALREADY_FINAL",
    /// No auction is open, or another one is.
    WrongAuction = "WRONG_AUCTION",
    /// The auction no longer takes solutions.
    AuctionClosed = "AUCTION_CLOSED",
    /// A later version of the solution has arrived.
    OldVersion = "OLD_VERSION",
    /// The solution or bundle is empty.
    Empty = "EMPTY",
    /// A fill is zero or its amounts are beyond the range.
    FillAmount = "FILL_AMOUNT",
    /// A bundle fills an option twice.
    FilledTwice = "FILLED_TWICE",
    /// A fill gives more than its option or intent has left.
    OverFilled = "OVER_FILLED",
    /// A fill of an all-or-nothing intent is not complete.
    NotComplete = "NOT_COMPLETE",
    /// A fill is below the intent's minimum or would leave less than that.
    BelowMinimumFill = "BELOW_MINIMUM_FILL",
    /// A one-of intent is filled through more than one option.
    MoreThanOneOption = "MORE_THAN_ONE_OPTION",
    /// The intent's condition does not hold, or does not on the facts that its auction froze.
    ConditionNotMet = "CONDITION_NOT_MET",
    /// A fill's price is worse than the intent's limit.
    LimitBroken = "LIMIT_BROKEN",
    /// A fill gives less than the built-in bidder alone would have given.
    WorseThanFloor = "WORSE_THAN_FLOOR",
    /// Fills of one directed pair in a bundle have different prices.
    UnequalPrices = "UNEQUAL_PRICES",
    /// A bundle takes more from an account than the auction reserved.
    ReserveExceeded = "RESERVE_EXCEEDED",
    /// A bundle uses a venue twice.
    VenueUsedTwice = "VENUE_USED_TWICE",
    /// A venue's rule does not allow the use.
    VenueRule = "VENUE_RULE",
    /// Amounts in and out of a bundle do not balance.
    NotConserved = "NOT_CONSERVED",
    /// A bundle is left out for others that can't execute with it and are worth more together.
    WorthLess = "WORTH_LESS",
    /// The engine is stopping and takes no more work.
    Stopping = "STOPPING",
}

/// A refusal: the reason, the field it is about, and what was expected and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which rule.
    pub reason: Reason,
    /// The field, as a path in the message: `options[0].give.amount`.
    pub field: String,
    /// One sentence: what was expected and what was found.
    pub message: String,
}

impl Refusal {
    /// A refusal about `field`.
    pub fn new(reason: Reason, field: impl Into<String>, message: impl Into<String>) -> Refusal {
        Refusal { reason, field: field.into(), message: message.into() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({}): {}", self.reason.code(), self.field, self.message)
    }
}
