//! Intent files: JSON read strictly into the contract's intents.
//!
//! Amounts stay texts here; the engine knows the assets' decimals and judges them.

use clearlane_client::ids::{NANOS_PER_MILLI, millis_of, new_id, parse_id};
use clearlane_proto::wire;
use serde_json::{Map, Value};

/// Nanoseconds in a second.
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The schema, as `--help` shows it.
pub(crate) const SCHEMA: &str = "\
The file holds one intent, a list of them, or one a line:
  {\"id\": \"01890a5d-ac96-774b-bcce-b302099a8057\",        a UUIDv7; absent makes a fresh one
   \"kind\": \"exact_in\" | \"exact_out\",
   \"give\": {\"asset\": \"EUR\", \"amount\": \"250.00\", \"module\": \"bank-eu\"},
   \"get\":  {\"asset\": \"USD\", \"amount\": \"270\"},          the other side's amount and modules may be absent
   \"options\": [{\"give\": .., \"get\": .., \"maximum\": \"..\"}], in place of give and get: several ways
   \"choose\": \"split\" | \"one\",
   \"fill\": \"partial\" | \"all_or_nothing\", \"minimum\": \"10.00\",
   \"payee\": \"bob\", \"reference\": \"invoice 7\", \"priority\": 0,
   \"limits\": {\"worst_price\": \"1.07\", \"maximum_fee\": \"1.00\", \"maximum_total\": \"251.00\"},
   \"condition\": \"price USD >= 1.08\",                  what must be so before it may happen
   \"valid_for_s\": 3600}                                or \"deadline_ns\": nanoseconds since 1970
A condition is 1 to 8 terms joined by `and`, with spaces between words, over facts as they are when an auction
opens: `price ASSET >= DECIMAL` for reference prices, `balance ASSET in MODULE >= AMOUNT` for the party's own
balances (without `in MODULE`: in all modules together), `event NAME` for what an oracle attested; also with
<=, > and <. Until it holds the intent waits; at its end it expires.
Amounts are decimals in whole units; every intent needs a limit and an end. valid_for_s counts from the time in
the id, so that the same file with the same id is the same intent.";

/// An intent under its id.
pub(crate) type Identified = ([u8; 16], wire::Intent);

/// Reads one intent, a list, or one a line, each with its id.
///
/// `time_ns` is the engine's time, in which ids are made where the file has none; `valid_for_s` counts from the
/// time in the id.
///
/// # Errors
///
/// Says which intent and field is not what was expected.
pub(crate) fn read(text: &str, time_ns: u64) -> Result<Vec<Identified>, String> {
    let values = match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(values)) => values,
        Ok(value) => vec![value],
        Err(whole) => lines(text).ok_or_else(|| format!("expected JSON: {whole}"))?,
    };
    let read = |(at, value): (usize, &Value)| {
        intent(value, time_ns).map_err(|message| format!("intent {}: {message}", at.saturating_add(1)))
    };
    values.iter().enumerate().map(read).collect()
}

fn lines(text: &str) -> Option<Vec<Value>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).ok()).collect()
}

const FIELDS: &[&str] = &[
    "id",
    "kind",
    "give",
    "get",
    "options",
    "choose",
    "fill",
    "minimum",
    "payee",
    "reference",
    "priority",
    "limits",
    "condition",
    "valid_for_s",
    "deadline_ns",
    "valid_from_ns",
];

fn intent(value: &Value, time_ns: u64) -> Result<Identified, String> {
    let fields = object(value, "intent", FIELDS)?;
    let (id, made_millis) = id(fields, time_ns)?;
    let kind = match text(fields, "kind")?.as_str() {
        "exact_in" => wire::Kind::ExactIn,
        "exact_out" => wire::Kind::ExactOut,
        other => return Err(format!("kind: expected exact_in or exact_out, found {other:?}")),
    };
    let choose = match text(fields, "choose")?.as_str() {
        "" | "split" => wire::Choose::Split,
        "one" => wire::Choose::One,
        other => return Err(format!("choose: expected split or one, found {other:?}")),
    };
    let options = options(fields, kind)?;
    let fixed = fixed_asset(options.first(), kind);
    let give = fixed_asset(options.first(), wire::Kind::ExactIn);
    let intent = wire::Intent {
        kind: kind.into(),
        choose: choose.into(),
        fill: fill(fields, &fixed)?,
        payee: text(fields, "payee")?,
        limits: limits(fields, &give)?,
        condition: condition(fields)?,
        valid_from_ns: whole(fields, "valid_from_ns")?.unwrap_or(0),
        deadline_ns: deadline(fields, made_millis.saturating_mul(NANOS_PER_MILLI))?,
        priority: u32::try_from(whole(fields, "priority")?.unwrap_or(0))
            .map_err(|_| "priority: expected at most 4294967295, found more".to_owned())?,
        reference: text(fields, "reference")?,
        options,
        ..wire::Intent::default()
    };
    Ok((id, intent))
}

/// The id of the file or a fresh one, and the milliseconds since 1970 in it.
fn id(fields: &Map<String, Value>, time_ns: u64) -> Result<([u8; 16], u64), String> {
    if !fields.contains_key("id") {
        let millis = time_ns / NANOS_PER_MILLI;
        return Ok((new_id(millis).map_err(|error| error.to_string())?, millis));
    }
    let text = text(fields, "id")?;
    let found = parse_id(&text).and_then(|id| Some((id, millis_of(&id)?)));
    found.ok_or_else(|| format!("id: expected a UUIDv7, found {text:?}"))
}

fn options(fields: &Map<String, Value>, kind: wire::Kind) -> Result<Vec<wire::Option>, String> {
    match fields.get("options") {
        Some(Value::Array(options)) => {
            if fields.contains_key("give") || fields.contains_key("get") {
                return Err("options: expected either options or give and get, found both".to_owned());
            }
            let read = |(at, value)| {
                let path = format!("options[{at}]");
                option(object(value, &path, &["give", "get", "maximum"])?, &path, kind)
            };
            options.iter().enumerate().map(read).collect()
        }
        Some(other) => Err(format!("options: expected a list, found {other}")),
        None => Ok(vec![option(fields, "intent", kind)?]),
    }
}

fn option(fields: &Map<String, Value>, path: &str, kind: wire::Kind) -> Result<wire::Option, String> {
    let mut option =
        wire::Option { give: Some(side(fields, "give", path)?), get: Some(side(fields, "get", path)?), maximum: None };
    let fixed = fixed_asset(Some(&option), kind);
    option.maximum = amount(fields, "maximum", &fixed)?;
    Ok(option)
}

fn side(fields: &Map<String, Value>, name: &str, path: &str) -> Result<wire::Side, String> {
    let value = fields.get(name).ok_or_else(|| format!("{path}.{name}: expected an asset, found none"))?;
    let side = object(value, name, &["asset", "amount", "module"])?;
    let asset = text(side, "asset")?;
    Ok(wire::Side { amount: amount(side, "amount", &asset)?, module: text(side, "module")?, asset })
}

fn fixed_asset(option: Option<&wire::Option>, kind: wire::Kind) -> String {
    let side = option.and_then(|option| match kind {
        wire::Kind::ExactOut => option.get.as_ref(),
        wire::Kind::ExactIn | wire::Kind::Unspecified => option.give.as_ref(),
    });
    side.map(|side| side.asset.clone()).unwrap_or_default()
}

fn fill(fields: &Map<String, Value>, fixed: &str) -> Result<Option<wire::Fill>, String> {
    let minimum = amount(fields, "minimum", fixed)?;
    let rule = match (text(fields, "fill")?.as_str(), minimum) {
        ("" | "partial", None) => return Ok(None),
        ("" | "partial", Some(minimum)) => wire::fill::Rule::Minimum(minimum),
        ("all_or_nothing", None) => wire::fill::Rule::AllOrNothing(true),
        ("all_or_nothing", Some(_)) => return Err("minimum: expected none with all_or_nothing, found one".to_owned()),
        (other, _) => return Err(format!("fill: expected partial or all_or_nothing, found {other:?}")),
    };
    Ok(Some(wire::Fill { rule: Some(rule) }))
}

fn limits(fields: &Map<String, Value>, give: &str) -> Result<Option<wire::Limits>, String> {
    let Some(value) = fields.get("limits") else { return Ok(None) };
    let limits = object(value, "limits", &["worst_price", "maximum_fee", "maximum_total"])?;
    Ok(Some(wire::Limits {
        worst_price: text(limits, "worst_price")?,
        maximum_fee: amount(limits, "maximum_fee", give)?,
        maximum_total: amount(limits, "maximum_total", give)?,
    }))
}

/// Its words are the engine's to judge.
fn condition(fields: &Map<String, Value>) -> Result<Option<wire::Condition>, String> {
    let expression = text(fields, "condition")?;
    Ok(fields.contains_key("condition").then_some(wire::Condition { expression }))
}

fn deadline(fields: &Map<String, Value>, time_ns: u64) -> Result<u64, String> {
    match (whole(fields, "valid_for_s")?, whole(fields, "deadline_ns")?) {
        (Some(seconds), None) => Ok(time_ns.saturating_add(seconds.saturating_mul(NANOS_PER_SECOND))),
        (None, Some(deadline)) => Ok(deadline),
        (None, None) => Err("deadline_ns: expected valid_for_s or deadline_ns, found neither".to_owned()),
        (Some(_), Some(_)) => Err("deadline_ns: expected valid_for_s or deadline_ns, found both".to_owned()),
    }
}

fn object<'a>(value: &'a Value, path: &str, known: &[&str]) -> Result<&'a Map<String, Value>, String> {
    let fields = value.as_object().ok_or_else(|| format!("{path}: expected an object, found {value}"))?;
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!("{path}: expected fields of {}, found {name:?}", known.join(", "))),
        None => Ok(fields),
    }
}

/// A text, or nothing where it is absent.
fn text(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    match fields.get(name) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(format!("{name}: expected a text, found {other}")),
    }
}

/// An amount as a text or a whole number; fractions as numbers could lose digits and are refused.
fn amount(fields: &Map<String, Value>, name: &str, asset: &str) -> Result<Option<wire::Amount>, String> {
    let decimal = match fields.get(name) {
        None => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_u64() => number.to_string(),
        Some(other) => return Err(format!("{name}: expected a decimal text such as \"250.00\", found {other}")),
    };
    let value = Some(wire::amount::Value::Decimal(decimal));
    Ok(Some(wire::Amount { asset: asset.to_owned(), value }))
}

fn whole(fields: &Map<String, Value>, name: &str) -> Result<Option<u64>, String> {
    let read = |value: &Value| value.as_u64().ok_or_else(|| format!("{name}: expected a whole number, found {value}"));
    fields.get(name).map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"kind":"exact_in","give":{"asset":"EUR","amount":"250.00"},
        "get":{"asset":"USD"},"limits":{"worst_price":"1.07"},"minimum":"10","valid_for_s":2}"#;

    #[test]
    fn an_intent_counts_its_end_from_the_engines_time() {
        let intents = read(ONE, 5_000_005).expect("an intent");
        let [(id, intent)] = intents.as_slice() else { panic!("expected one intent") };
        assert_eq!((millis_of(id), intent.deadline_ns), (Some(5), 2_005_000_000));
        let minimum = match &intent.fill.as_ref().expect("a rule").rule {
            Some(wire::fill::Rule::Minimum(minimum)) => minimum,
            other => panic!("expected a minimum, found {other:?}"),
        };
        assert_eq!(minimum.asset, "EUR");
    }

    #[test]
    fn the_same_file_with_the_same_id_is_the_same_intent_at_any_time() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let text = ONE.replacen('{', &format!("{{\"id\":\"{id}\","), 1);
        let first = read(&text, 0).expect("an intent");
        assert_eq!(Some(first[0].0), parse_id(id));
        assert_eq!(read(&text, u64::MAX).as_ref(), Ok(&first));
        let random = text.replace("-774b-", "-474b-");
        assert!(read(&random, 0).expect_err("no UUIDv7").contains("id: expected a UUIDv7"));
        assert_ne!(read(ONE, 0).expect("an intent")[0].0, read(ONE, 0).expect("an intent")[0].0);
    }

    #[test]
    fn lists_and_lines_hold_several() {
        let line = ONE.replace('\n', " ");
        assert_eq!(read(&format!("[{ONE},{ONE}]"), 0).map(|found| found.len()), Ok(2));
        assert_eq!(read(&format!("{line}\n\n{line}\n"), 0).map(|found| found.len()), Ok(2));
    }

    #[test]
    fn a_condition_is_carried_as_it_is_written() {
        let with = |text: &str| read(&ONE.replacen('{', &format!("{{\"condition\":{text},"), 1), 0);
        let intents = with(r#""price USD >= 1.08 and event shipped-7""#).expect("an intent");
        let expression = intents[0].1.condition.as_ref().map(|condition| condition.expression.as_str());
        assert_eq!(expression, Some("price USD >= 1.08 and event shipped-7"));
        assert_eq!(read(ONE, 0).expect("an intent")[0].1.condition, None);
        assert_eq!(with("7").expect_err("no text"), "intent 1: condition: expected a text, found 7");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let bad = |from: &str, to: &str| read(&ONE.replace(from, to), 0).expect_err("a bad intent");
        assert!(bad("\"250.00\"", "250.5").contains("amount: expected a decimal text"));
        assert!(bad("exact_in", "exact").contains("kind: expected exact_in or exact_out"));
        assert!(bad("valid_for_s", "valid_for").contains("found \"valid_for\""));
        assert!(bad("\"valid_for_s\":2", "\"payee\":\"bob\"").contains("found neither"));
    }
}
