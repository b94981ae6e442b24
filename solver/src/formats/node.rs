//! A JSON value with its path, so that every complaint names the field it is about.
//!
//! Numbers are kept as written: nothing here ever passes through a float.

use std::collections::BTreeMap;
use std::str::FromStr;

use clearlane_core::money::Atoms;
use clearlane_core::refusal::Reason;
use clearlane_core::wide::U256;
use serde_json::value::RawValue;

use super::FormatError;

/// A value somewhere in a file.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    path: String,
    raw: &'a RawValue,
}

/// The fields of an object.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    path: String,
    fields: BTreeMap<String, &'a RawValue>,
}

impl<'a> Node<'a> {
    /// The whole file.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Node<'a>, FormatError> {
        let raw = serde_json::from_slice(bytes).map_err(|error| FormatError::NotJson(error.to_string()))?;
        Ok(Node { path: String::new(), raw })
    }

    /// Where this value stands.
    pub(super) fn path(&self) -> &str {
        if self.path.is_empty() { "file" } else { &self.path }
    }

    /// The name of the field that holds this value.
    pub(super) fn name(&self) -> &str {
        self.path().rsplit('.').next().unwrap_or_default()
    }

    /// A complaint about the form of this value.
    pub(super) fn expected(&self, what: &str) -> FormatError {
        self.refused(Reason::Malformed, what)
    }

    /// A complaint of a certain kind about this value.
    pub(super) fn refused(&self, reason: Reason, what: &str) -> FormatError {
        const SHOWN_CHARACTERS_MAX: usize = 60;
        let found: String = self.raw.get().chars().take(SHOWN_CHARACTERS_MAX).collect();
        FormatError::Field { reason, field: self.path().to_owned(), message: format!("expected {what}, found {found}") }
    }

    /// The fields of an object.
    pub(super) fn object(&self) -> Result<Fields<'a>, FormatError> {
        let fields = serde_json::from_str(self.raw.get()).map_err(|_| self.expected("an object"))?;
        Ok(Fields { path: self.path.clone(), fields })
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> Result<Vec<Node<'a>>, FormatError> {
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.raw.get()).map_err(|_| self.expected("a list"))?;
        let node = |(at, raw)| Node { path: format!("{}[{at}]", self.path), raw };
        Ok(elements.into_iter().enumerate().map(node).collect())
    }

    /// Exactly two elements of a list.
    pub(super) fn pair(&self) -> Result<[Node<'a>; 2], FormatError> {
        <[Node<'a>; 2]>::try_from(self.list()?).map_err(|_| self.expected("a list of two"))
    }

    /// A text.
    pub(super) fn text(&self) -> Result<String, FormatError> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.expected("a text"))
    }

    /// True or false.
    pub(super) fn flag(&self) -> Result<bool, FormatError> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.expected("true or false"))
    }

    /// A number exactly as it is written in the file.
    pub(super) fn written(&self) -> &'a str {
        self.raw.get()
    }

    /// A small integer.
    pub(super) fn integer<T: TryFrom<u64>>(&self) -> Result<T, FormatError> {
        let number: u64 = serde_json::from_str(self.raw.get()).map_err(|_| self.expected("a whole number"))?;
        T::try_from(number).map_err(|_| self.expected("a smaller number"))
    }

    /// An amount in atoms, written as a decimal string, of any size up to 256 bits.
    pub(super) fn wide_atoms(&self) -> Result<U256, FormatError> {
        const EXPECTED: &str = "an amount in atoms as a string of digits";
        let text = self.text().map_err(|_| self.refused(Reason::AmountMalformed, EXPECTED))?;
        let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let atoms = if is_digits { U256::from_str(&text).ok() } else { None };
        let is_negative = text.starts_with('-');
        let reason = if is_negative { Reason::AmountNegative } else { Reason::AmountMalformed };
        atoms.ok_or_else(|| self.refused(reason, EXPECTED))
    }

    /// An amount in atoms, written as a decimal string.
    pub(super) fn atoms(&self) -> Result<Atoms, FormatError> {
        Atoms::try_from(self.wide_atoms()?).map_err(|_| self.refused(Reason::AmountTooLarge, "an amount below 2^128"))
    }
}

impl<'a> Fields<'a> {
    /// A field that must be there.
    pub(super) fn need(&self, name: &str) -> Result<Node<'a>, FormatError> {
        let missing = || FormatError::Field {
            reason: Reason::Missing,
            field: self.path_of(name),
            message: "expected a value, found none".to_owned(),
        };
        self.find(name).ok_or_else(missing)
    }

    /// A field that may be absent or null.
    pub(super) fn find(&self, name: &str) -> Option<Node<'a>> {
        let raw = self.fields.get(name).copied().filter(|raw| raw.get() != "null")?;
        Some(Node { path: self.path_of(name), raw })
    }

    /// Every field, in order of name.
    pub(super) fn entries(&self) -> Vec<(String, Node<'a>)> {
        let entry = |(name, raw): (&String, &&'a RawValue)| (name.clone(), Node { path: self.path_of(name), raw });
        self.fields.iter().map(entry).collect()
    }

    /// The names of the fields.
    pub(super) fn names(&self) -> Vec<&str> {
        self.fields.keys().map(String::as_str).collect()
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}
