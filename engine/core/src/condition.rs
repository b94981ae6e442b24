//! Conditions of intents over recorded facts: read once from their text, and written in one canonical form.
//!
//! A condition is terms joined by `and`, with spaces between words: `price ASSET >= DECIMAL`,
//! `balance ASSET in MODULE >= AMOUNT` and `event NAME`. Whether a term holds is decided in `fact`.

use crate::money::{AmountError, Atoms, SCALE_MAX, SUPPLY_MAX, format_amount, parse_amount};
use crate::names::Name;
use crate::price::Price;
use crate::refusal::Reason;

/// The most terms of one condition: each is one more fact that every auction looks up.
pub const TERMS_MAX: usize = 8;
/// The longest text of a condition, in bytes: as many terms with the longest names and numbers fit.
pub const CONDITION_BYTES_MAX: usize = 2_048;

/// What must be so for an intent to be offered: every term of 1 to [`TERMS_MAX`] holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    terms: Vec<Term>,
}

/// One claim about one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// The reference price of one whole unit of an asset; without one the claim does not hold.
    Price {
        /// The asset.
        asset: Name,
        /// How the price compares.
        comparison: Comparison,
        /// With what.
        bound: Price,
    },
    /// What the submitting party itself has of an asset.
    Balance {
        /// The asset.
        asset: Name,
        /// Where; absent means in all modules together.
        module: Option<Name>,
        /// How the balance compares.
        comparison: Comparison,
        /// With what.
        bound: Quantity,
    },
    /// An oracle or administrator said that this happened.
    Event {
        /// The event.
        name: Name,
    },
}

/// How what is found compares with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `<`
    Below,
}

/// An amount in whole units of an asset still to be looked up: `digits / 10^places`, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    digits: Atoms,
    places: u8,
}

/// Why a text is not a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConditionError {
    /// There is no term.
    Empty,
    /// The text has this many bytes, more than [`CONDITION_BYTES_MAX`].
    TooLong(usize),
    /// There are more than [`TERMS_MAX`] terms.
    TooManyTerms,
    /// A term does not read as one.
    Term {
        /// Which, from 1.
        number: usize,
        /// What should have come next.
        expected: &'static str,
        /// The word that came; `None` at the end of the text.
        found: Option<String>,
    },
}

const HEADS: &str = "`price`, `balance` or `event`";
const COMPARISONS: &str = "`>=`, `<=`, `>` or `<`";
const MODULE_OR_COMPARISON: &str = "`in` with a module, or `>=`, `<=`, `>` or `<`";
const ASSET: &str = "an asset";
const MODULE: &str = "a module";
const EVENT: &str = "the name of an event";
const PRICE: &str = "a positive decimal such as 1.08";
const QUANTITY: &str = "an amount in whole units such as 250.00";
const BOUNDED_PRICE: &str = "a positive price whose digits are below 2^96, with at most 40 decimals,";
const BOUNDED_QUANTITY: &str = "an amount whose digits are at most 2^127, with at most 18 decimals,";
const JOINT: &str = "`and` or the end";

impl Condition {
    /// Reads a condition; words are separated by spaces, since names may hold any other character.
    ///
    /// # Errors
    ///
    /// Says which term went wrong where, and what a condition looks like.
    pub fn parse(text: &str) -> Result<Condition, ConditionError> {
        if text.len() > CONDITION_BYTES_MAX {
            return Err(ConditionError::TooLong(text.len()));
        }
        let mut words = text.split_ascii_whitespace().peekable();
        if words.peek().is_none() {
            return Err(ConditionError::Empty);
        }
        let mut terms = Vec::new();
        for number in 1..=TERMS_MAX {
            let wrong = |(expected, found): Unread<'_>| ConditionError::Term {
                number,
                expected,
                found: found.map(|word| word.chars().take(64).collect()),
            };
            terms.push(term(&mut words).map_err(wrong)?);
            match words.next() {
                None => return Ok(Condition { terms }),
                Some("and") => {}
                Some(other) => return Err(wrong((JOINT, Some(other)))),
            }
        }
        Err(ConditionError::TooManyTerms)
    }

    /// The terms, at least one, as written.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }
}

/// What should have come next, and the word that came.
type Unread<'a> = (&'static str, Option<&'a str>);

fn term<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Term, Unread<'a>> {
    match words.next() {
        Some("price") => {
            let asset = name(words.next(), ASSET)?;
            let comparison = comparison(words.next(), COMPARISONS)?;
            let bound = number(words.next(), (PRICE, BOUNDED_PRICE), Price::parse)?;
            Ok(Term::Price { asset, comparison, bound })
        }
        Some("balance") => {
            let asset = name(words.next(), ASSET)?;
            let (module, comparison) = match words.next() {
                Some("in") => (Some(name(words.next(), MODULE)?), comparison(words.next(), COMPARISONS)?),
                other => (None, comparison(other, MODULE_OR_COMPARISON)?),
            };
            let bound = number(words.next(), (QUANTITY, BOUNDED_QUANTITY), Quantity::parse)?;
            Ok(Term::Balance { asset, module, comparison, bound })
        }
        Some("event") => Ok(Term::Event { name: name(words.next(), EVENT)? }),
        other => Err((HEADS, other)),
    }
}

fn read<'a, T>(
    word: Option<&'a str>,
    expected: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Unread<'a>> {
    word.and_then(parse).ok_or((expected, word))
}

/// A number; one that is written well and is out of bounds is told the bounds.
fn number<'a, T>(
    word: Option<&'a str>,
    (expected, bounded): (&'static str, &'static str),
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, Unread<'a>> {
    read(word, if word.is_some_and(is_decimal) { bounded } else { expected }, parse)
}

/// Whether a word is digits with at most one point inside, and not zero.
fn is_decimal(word: &str) -> bool {
    let (whole, fraction) = word.split_once('.').unwrap_or((word, "0"));
    let digits = || whole.bytes().chain(fraction.bytes());
    !whole.is_empty()
        && !fraction.is_empty()
        && digits().all(|byte| byte.is_ascii_digit())
        && digits().any(|byte| byte != b'0')
}

fn name<'a>(word: Option<&'a str>, expected: &'static str) -> Result<Name, Unread<'a>> {
    read(word, expected, Name::new)
}

fn comparison<'a>(word: Option<&'a str>, expected: &'static str) -> Result<Comparison, Unread<'a>> {
    read(word, expected, |word| match word {
        ">=" => Some(Comparison::AtLeast),
        "<=" => Some(Comparison::AtMost),
        ">" => Some(Comparison::Above),
        "<" => Some(Comparison::Below),
        _ => None,
    })
}

impl Comparison {
    /// Whether something that stands like this to the bound is as claimed.
    #[must_use]
    pub fn allows(self, found: std::cmp::Ordering) -> bool {
        match self {
            Comparison::AtLeast => found.is_ge(),
            Comparison::AtMost => found.is_le(),
            Comparison::Above => found.is_gt(),
            Comparison::Below => found.is_lt(),
        }
    }
}

impl Quantity {
    /// Reads `250`, `250.00` or `0`; `None` for anything else, or more than may exist.
    #[must_use]
    pub fn parse(text: &str) -> Option<Quantity> {
        let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let mut places = u8::try_from(fraction).ok()?;
        let mut digits = parse_amount(text, places).ok()?;
        while places > 0 && digits.is_multiple_of(10) {
            digits = digits.checked_div(10)?;
            places = places.checked_sub(1)?;
        }
        (places <= SCALE_MAX).then_some(Quantity { digits, places })
    }

    /// The same in atoms of an asset with `scale` decimals.
    ///
    /// # Errors
    ///
    /// More decimals than the asset has, or more atoms than may exist.
    pub fn atoms(self, scale: u8) -> Result<Atoms, AmountError> {
        let missing = scale.checked_sub(self.places).ok_or(AmountError::TooPrecise { scale })?;
        let power = 10_u128.checked_pow(u32::from(missing));
        let atoms = power.and_then(|power| self.digits.checked_mul(power));
        atoms.filter(|atoms| *atoms <= SUPPLY_MAX).ok_or(AmountError::TooLarge)
    }
}

impl ConditionError {
    /// The reason under which it is refused.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            ConditionError::Empty => Reason::Missing,
            ConditionError::TooLong(_) | ConditionError::TooManyTerms => Reason::TooLarge,
            ConditionError::Term { .. } => Reason::Malformed,
        }
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.terms.iter().enumerate().try_for_each(|(at, term)| {
            let joint = if at == 0 { "" } else { " and " };
            write!(formatter, "{joint}{term}")
        })
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Term::Price { asset, comparison, bound } => write!(formatter, "price {asset} {comparison} {bound}"),
            Term::Balance { asset, module: Some(module), comparison, bound } => {
                write!(formatter, "balance {asset} in {module} {comparison} {bound}")
            }
            Term::Balance { asset, module: None, comparison, bound } => {
                write!(formatter, "balance {asset} {comparison} {bound}")
            }
            Term::Event { name } => write!(formatter, "event {name}"),
        }
    }
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Comparison::AtLeast => ">=",
            Comparison::AtMost => "<=",
            Comparison::Above => ">",
            Comparison::Below => "<",
        })
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&format_amount(self.digits, self.places))
    }
}

impl std::fmt::Display for ConditionError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ConditionError::Empty => write!(formatter, "expected a condition, found none")?,
            ConditionError::TooLong(found) => {
                return write!(formatter, "expected at most {CONDITION_BYTES_MAX} bytes, found {found}");
            }
            ConditionError::TooManyTerms => {
                return write!(formatter, "expected at most {TERMS_MAX} terms, found more");
            }
            ConditionError::Term { number, expected, found: Some(found) } => {
                write!(formatter, "expected {expected} in term {number}, found {found:?}")?;
            }
            ConditionError::Term { number, expected, found: None } => {
                write!(formatter, "expected {expected} in term {number}, found the end")?;
            }
        }
        formatter.write_str(
            "; terms are `price USD >= 1.08`, `balance EUR in bank < 250.00` and `event shipped-7`, joined by `and`, \
             with spaces between words",
        )
    }
}

impl std::error::Error for ConditionError {}

#[cfg(test)]
mod tests;
