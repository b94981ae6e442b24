//! Texts that are conditions, texts that are none, and the way back.

use proptest::prelude::*;

use super::*;

#[test]
fn texts_are_conditions_in_one_form() {
    let cases: &[(&str, &str)] = &[
        ("price USD >= 1.0800", "price USD >= 1.08"),
        ("  price\tUSD  <   1.2e-3 ", "price USD < 0.0012"),
        ("price and > 1 and event in", "price and > 1 and event in"),
        ("price >= >= 1", "price >= >= 1"),
        ("balance EUR > 0", "balance EUR > 0"),
        ("balance EUR > 0.00", "balance EUR > 0"),
        ("balance EUR in bank-eu <= 250.50", "balance EUR in bank-eu <= 250.5"),
        ("balance in in in <= 007", "balance in in in <= 7"),
        ("balance X >= 1.0000000000000000000000000000", "balance X >= 1"),
        ("event price and event price", "event price and event price"),
        ("event a and event b and price C > 1", "event a and event b and price C > 1"),
    ];
    for (text, canonical) in cases {
        let found = Condition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found.to_string(), *canonical, "{text}");
        assert_eq!(Condition::parse(canonical).as_ref(), Ok(&found), "{text}");
    }
}

#[test]
fn what_is_no_condition_is_told_where_and_why() {
    let many = ["event e"; TERMS_MAX + 1].join(" and ");
    let long = " ".repeat(CONDITION_BYTES_MAX + 1);
    let far = format!("event {}", "x".repeat(65));
    let much = format!("balance EUR > 1{}", "0".repeat(39));
    let dear = format!("price USD > {}", 1_u128 << 96);
    let cases: &[(&str, Reason, &str)] = &[
        ("", Reason::Missing, "expected a condition, found none"),
        (" \n ", Reason::Missing, "expected a condition, found none"),
        (&long, Reason::TooLarge, "expected at most 2048 bytes, found 2049"),
        (&many, Reason::TooLarge, "expected at most 8 terms, found more"),
        ("true", Reason::Malformed, "expected `price`, `balance` or `event` in term 1, found \"true\""),
        ("Price USD > 1", Reason::Malformed, "expected `price`, `balance` or `event` in term 1, found \"Price\""),
        ("price", Reason::Malformed, "expected an asset in term 1, found the end"),
        ("price USD>=1", Reason::Malformed, "expected `>=`, `<=`, `>` or `<` in term 1, found the end"),
        ("price USD => 1", Reason::Malformed, "expected `>=`, `<=`, `>` or `<` in term 1, found \"=>\""),
        ("price USD = 1", Reason::Malformed, "expected `>=`, `<=`, `>` or `<` in term 1, found \"=\""),
        ("price USD >= 0", Reason::Malformed, "expected a positive decimal such as 1.08 in term 1, found \"0\""),
        ("price USD >= -1", Reason::Malformed, "expected a positive decimal such as 1.08 in term 1, found \"-1\""),
        ("price USD >= nan", Reason::Malformed, "expected a positive decimal such as 1.08 in term 1, found \"nan\""),
        ("price USD >=", Reason::Malformed, "expected a positive decimal such as 1.08 in term 1, found the end"),
        ("price ÜSD > 1", Reason::Malformed, "expected an asset in term 1, found \"ÜSD\""),
        ("balance EUR at bank > 1", Reason::Malformed, "expected `in` with a module, or `>=`"),
        ("balance EUR in > 1", Reason::Malformed, "expected `>=`, `<=`, `>` or `<` in term 1, found \"1\""),
        ("balance EUR > 1e3", Reason::Malformed, "expected an amount in whole units such as 250.00 in term 1"),
        ("balance EUR > 1.", Reason::Malformed, "expected an amount in whole units such as 250.00 in term 1"),
        ("balance EUR > 1.0000000000000000001", Reason::Malformed, "expected an amount whose digits are at most 2^127"),
        (&much, Reason::Malformed, "expected an amount whose digits are at most 2^127, with at most 18 decimals, in"),
        (
            &dear,
            Reason::Malformed,
            "expected a positive price whose digits are below 2^96, with at most 40 decimals, in",
        ),
        ("event", Reason::Malformed, "expected the name of an event in term 1, found the end"),
        (&far, Reason::Malformed, "expected the name of an event in term 1, found \"xxx"),
        ("event a or event b", Reason::Malformed, "expected `and` or the end in term 1, found \"or\""),
        ("event a AND event b", Reason::Malformed, "expected `and` or the end in term 1, found \"AND\""),
        ("event a and", Reason::Malformed, "expected `price`, `balance` or `event` in term 2, found the end"),
    ];
    for (text, reason, message) in cases {
        let error = Condition::parse(text).expect_err(text);
        assert_eq!(error.reason(), *reason, "{text}");
        let found = error.to_string();
        assert!(found.starts_with(message), "{text}: {found}");
        let is_taught = found.contains("`balance EUR in bank < 250.00`");
        assert_eq!(is_taught, *reason != Reason::TooLarge, "{text}: {found}");
    }
}

#[test]
fn quantities_become_atoms_exactly_or_not_at_all() {
    let cases: &[(&str, u8, Result<Atoms, AmountError>)] = &[
        ("250.00", 2, Ok(25_000)),
        ("250.00", 0, Ok(250)),
        ("0.01", 1, Err(AmountError::TooPrecise { scale: 1 })),
        ("170141183460469231731687303715884105728", 0, Ok(SUPPLY_MAX)),
        ("170141183460469231731687303715884105728", 1, Err(AmountError::TooLarge)),
        ("0", 18, Ok(0)),
    ];
    for (text, scale, expected) in cases {
        assert_eq!(Quantity::parse(text).expect(text).atoms(*scale), *expected, "{text} at {scale}");
    }
}

fn any_name() -> impl Strategy<Value = Name> {
    let tricky = prop_oneof![Just("in".to_owned()), Just("and".to_owned()), Just(">=".to_owned())];
    prop_oneof![tricky, "[!-~]{1,64}"].prop_filter_map("a name", |text| Name::new(&text))
}

fn any_comparison() -> impl Strategy<Value = Comparison> {
    prop_oneof![Just(Comparison::AtLeast), Just(Comparison::AtMost), Just(Comparison::Above), Just(Comparison::Below)]
}

fn any_term() -> impl Strategy<Value = Term> {
    let price = (any_name(), any_comparison(), any::<u128>(), 0..=96_u32, 0..=40_u8);
    let price = price.prop_filter_map("a price", |(asset, comparison, mantissa, shift, places)| {
        Some(Term::Price { asset, comparison, bound: Price::new(mantissa >> (32 + shift.min(95)), places)? })
    });
    let balance = (any_name(), proptest::option::of(any_name()), any_comparison(), 0..=SUPPLY_MAX, 0..=18_u8);
    let balance = balance.prop_filter_map("a quantity", |(asset, module, comparison, digits, places)| {
        let bound = Quantity::parse(&format_amount(digits, places))?;
        Some(Term::Balance { asset, module, comparison, bound })
    });
    prop_oneof![price, balance, any_name().prop_map(|name| Term::Event { name })]
}

proptest! {
    #[test]
    fn a_condition_is_read_back_from_its_text(terms in proptest::collection::vec(any_term(), 1..=TERMS_MAX)) {
        let condition = Condition { terms };
        let text = condition.to_string();
        prop_assert!(text.len() <= CONDITION_BYTES_MAX, "{} bytes", text.len());
        prop_assert_eq!(Condition::parse(&text), Ok(condition));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(price|balance|event|and|in|>=|<|[0-9.]{1,4}|[ -~é]{1,3}| ){0,12}") {
        if let Ok(condition) = Condition::parse(&text) {
            prop_assert_eq!(Condition::parse(&condition.to_string()), Ok(condition));
        }
    }
}
