//! Venue files: JSON read strictly into the contract's definition of a venue.

use clearlane_proto::wire;
use clearlane_proto::wire::venue_terms::Kind;
use serde_json::{Map, Value};

/// The schema, as `--help` shows it.
pub(crate) const SCHEMA: &str = "\
The file holds a venue; amounts are atoms, as texts:
  {\"name\": \"pool-1\", \"assets\": [\"EUR\", \"USD\"], \"modules\": [\"bank-eu\", \"bank-eu\"],
   \"inventory\": [\"1000000\", \"1100000\"], \"terms\": TERMS}
A pool has as many assets, modules and amounts as its rule has coins, from 2 to 8. TERMS is one of
  {\"constant_product\": {\"fee_ppm\": 3000}}
  {\"weighted\": {\"fee_ppm\": 3000, \"weights\": [1, 4]}}
  {\"stable\": {\"fee_ppm\": 400, \"ann\": 800, \"d\": \"2100000\", \"scale\": [\"1\", \"1\"]}}
  {\"ladder\": {\"levels\": [{\"amount_in\": \"1000\", \"amount_out\": \"1100\"}]}}
  {\"rail\": {\"fixed_fee\": \"20\", \"fee_ppm\": 0, \"rate_num\": \"1\", \"rate_den\": \"1\",
            \"min_in\": \"100\", \"max_in\": \"1000000\", \"uses_max\": 100}}
  {\"concentrated\": {\"fee_ppm\": 500, \"sqrt_price\": \"79228162514264337593543950336\",
            \"ticks\": [{\"index\": -100, \"liquidity_net\": \"5000\"}, {\"index\": 100, \"liquidity_net\": \"-5000\"}]}}
     (sqrt_price is the root of atoms of the second asset per atom of the first, times 2^96)";

/// Reads a venue.
///
/// # Errors
///
/// Says which field is not what was expected.
pub(crate) fn read(bytes: &[u8]) -> Result<wire::DefineVenue, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("expected JSON: {error}"))?;
    let venue = Fields::of(&value, "venue", &["name", "assets", "modules", "inventory", "terms"])?;
    Ok(wire::DefineVenue {
        name: venue.text("name")?,
        assets: venue.texts("assets")?,
        modules: venue.texts("modules")?,
        inventory: venue.texts("inventory")?,
        terms: Some(wire::VenueTerms { kind: Some(terms(venue.need("terms")?)?) }),
    })
}

fn terms(value: &Value) -> Result<Kind, String> {
    const KINDS: [&str; 6] = ["constant_product", "weighted", "stable", "ladder", "rail", "concentrated"];
    let terms = Fields::of(value, "terms", &KINDS)?;
    let mut entries = terms.fields.iter();
    let (Some((kind, value)), None) = (entries.next(), entries.next()) else {
        return Err(format!("terms: expected one of {}, found {}", KINDS.join(", "), terms.fields.len()));
    };
    match kind.as_str() {
        "constant_product" => {
            let pool = Fields::of(value, kind, &["fee_ppm"])?;
            Ok(Kind::ConstantProduct(wire::ConstantProduct { fee_ppm: pool.number("fee_ppm")? }))
        }
        "weighted" => {
            let pool = Fields::of(value, kind, &["fee_ppm", "weights"])?;
            let weights = pool.list("weights")?.iter().map(|weight| number(weight, "weights"));
            let weights = weights.collect::<Result<Vec<u64>, String>>()?;
            Ok(Kind::Weighted(wire::Weighted { fee_ppm: pool.number("fee_ppm")?, weights }))
        }
        "stable" => {
            let pool = Fields::of(value, kind, &["fee_ppm", "ann", "d", "scale"])?;
            let fee_ppm = pool.number("fee_ppm")?;
            let (ann, d, scale) = (pool.number("ann")?, pool.text("d")?, pool.texts("scale")?);
            Ok(Kind::Stable(wire::Stable { fee_ppm, ann, d, scale }))
        }
        "ladder" => {
            let ladder = Fields::of(value, kind, &["levels"])?;
            let levels: Result<_, String> = ladder.list("levels")?.iter().map(level).collect();
            Ok(Kind::Ladder(wire::Ladder { levels: levels? }))
        }
        "concentrated" => {
            let pool = Fields::of(value, kind, &["fee_ppm", "sqrt_price", "ticks"])?;
            let ticks: Result<_, String> = pool.list("ticks")?.iter().map(tick).collect();
            let (fee_ppm, sqrt_price) = (pool.number("fee_ppm")?, pool.text("sqrt_price")?);
            Ok(Kind::Concentrated(wire::Concentrated { fee_ppm, sqrt_price, ticks: ticks? }))
        }
        _ => rail(value),
    }
}

fn level(value: &Value) -> Result<wire::Level, String> {
    let level = Fields::of(value, "levels", &["amount_in", "amount_out"])?;
    Ok(wire::Level { amount_in: level.text("amount_in")?, amount_out: level.text("amount_out")? })
}

fn tick(value: &Value) -> Result<wire::Tick, String> {
    let tick = Fields::of(value, "ticks", &["index", "liquidity_net"])?;
    let index = tick.need("index")?;
    let number = index.as_i64().and_then(|index| i32::try_from(index).ok());
    let number = number.ok_or_else(|| format!("index: expected a whole number in range, found {index}"))?;
    Ok(wire::Tick { index: number, liquidity_net: tick.text("liquidity_net")? })
}

fn rail(value: &Value) -> Result<Kind, String> {
    let known = ["fixed_fee", "fee_ppm", "rate_num", "rate_den", "min_in", "max_in", "uses_max"];
    let rail = Fields::of(value, "rail", &known)?;
    Ok(Kind::Rail(wire::Rail {
        fixed_fee: rail.text("fixed_fee")?,
        fee_ppm: rail.number("fee_ppm")?,
        rate_num: rail.text("rate_num")?,
        rate_den: rail.text("rate_den")?,
        min_in: rail.text("min_in")?,
        max_in: rail.text("max_in")?,
        uses_max: rail.number("uses_max")?,
    }))
}

/// The fields of an object, all of them known.
struct Fields<'a> {
    path: &'a str,
    fields: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn of(value: &'a Value, path: &'a str, known: &[&str]) -> Result<Fields<'a>, String> {
        let fields = value.as_object().ok_or_else(|| format!("{path}: expected an object, found {value}"))?;
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(format!("{path}: expected fields of {}, found {name:?}", known.join(", "))),
            None => Ok(Fields { path, fields }),
        }
    }

    fn need(&self, name: &str) -> Result<&'a Value, String> {
        self.fields.get(name).ok_or_else(|| format!("{}.{name}: expected a value, found none", self.path))
    }

    fn text(&self, name: &str) -> Result<String, String> {
        text(self.need(name)?, name)
    }

    fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.list(name)?.iter().map(|value| text(value, name)).collect()
    }

    fn list(&self, name: &str) -> Result<&'a Vec<Value>, String> {
        let value = self.need(name)?;
        value.as_array().ok_or_else(|| format!("{name}: expected a list, found {value}"))
    }

    fn number<T: TryFrom<u64>>(&self, name: &str) -> Result<T, String> {
        number(self.need(name)?, name)
    }
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    let whole = value.as_u64().map(|number| number.to_string());
    let found = value.as_str().map(str::to_owned).or(whole);
    found.ok_or_else(|| format!("{name}: expected a text, found {value}"))
}

fn number<T: TryFrom<u64>>(value: &Value, name: &str) -> Result<T, String> {
    let found = value.as_u64().and_then(|number| T::try_from(number).ok());
    found.ok_or_else(|| format!("{name}: expected a whole number in range, found {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_venue_is_read_strictly() {
        let text = r#"{"name":"p","assets":["A","B"],"modules":["m","m"],"inventory":["5",6],
            "terms":{"weighted":{"fee_ppm":1,"weights":[1,4]}}}"#;
        let venue = read(text.as_bytes()).expect("a venue");
        assert_eq!(venue.inventory, ["5", "6"]);
        let bad = |from: &str, to: &str| read(text.replace(from, to).as_bytes()).expect_err("a bad venue");
        let ticks = r#"{"concentrated":{"fee_ppm":5,"sqrt_price":"9","ticks":[{"index":-7,"liquidity_net":"-3"}]}}"#;
        let venue =
            read(text.replace(r#"{"weighted":{"fee_ppm":1,"weights":[1,4]}}"#, ticks).as_bytes()).expect("a pool");
        let Some(Kind::Concentrated(pool)) = venue.terms.and_then(|terms| terms.kind) else { panic!("concentrated") };
        assert_eq!(pool.ticks, [wire::Tick { index: -7, liquidity_net: "-3".to_owned() }]);
        assert!(bad("weighted", "curve").contains("expected fields of constant_product"));
        assert!(bad("[1,4]", "[1,-4]").contains("weights: expected a whole number"));
        assert!(bad("\"name\":\"p\",", "").contains("venue.name: expected a value"));
    }
}
