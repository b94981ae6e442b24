//! `bench select`: random bundles that compete for intents, cleared; what selection adds to the sweep, and what is left.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clearlane_core::auction::{
    AuctionInput, AuctionIntent, AuctionOption, Bundle, Clearing, Denomination, Fill, Reserve, RuleSet, Solution,
    clear, score_bundle,
};
use clearlane_core::hash::Hasher;
use clearlane_core::intent::{Choose, Kind};
use clearlane_core::lanes::Sequential;
use clearlane_core::money::{Atoms, Score};
use clearlane_core::names::{AuctionId, CommandId, DenominationIndex, IntentIndex, Name, ReserveIndex, SolverId};
use clearlane_core::price::Price;
use clearlane_core::time::Timestamp;
use serde_json::{Value, json};

use super::super::failure::{Failure, write_file};
use super::super::report;
use super::{median, nanos};

/// What an intent gives; one that counts double gives twice as much.
const GIVEN: Atoms = 1_000_000;
/// The most that an intent's limit lies below what it gives, in atoms a unit.
const SLACK: u64 = 100_000;

/// Measures selection: how much better than best score first, what gap is left, how long.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clearlane bench select
  clearlane bench select --intents 1000 --seeds 5 --json
  clearlane bench select --intents 300 --seeds 1 --dump sets.json   the sets and their worth, for other programs

Every bundle fills 3 to 8 whole intents drawn at random that serve each other, at a quality of its own.
`gap` is what no other set could beat the selected one by, as a share of the bound; 0 is proved best.")]
pub(crate) struct Select {
    /// Intents on offer; repeat it for several.
    #[arg(long = "intents", value_name = "N", default_values_t = [300, 1_000, 3_000, 30_000],
        value_parser = clap::value_parser!(u32).range(40..=1_000_000))]
    intents: Vec<u32>,
    /// Bundles, spread over 10 solvers.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    bundles: u32,
    /// Cases of each size, with the seeds 1 to N.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Writes the last case's sets of intents and their worth to this file.
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
}

impl Select {
    /// Measures and prints.
    pub(crate) fn run(&self, is_json: bool) -> Result<(), Failure> {
        let mut rows = Vec::new();
        let spinner = report::spinner("measuring");
        for intents in &self.intents {
            for seed in 1..=self.seeds {
                spinner.set_message(format!("{intents} intents, seed {seed}"));
                let case = Case::random(*intents, self.bundles, seed);
                let (time, cleared) = median(1, || clear(&case.input, &case.solutions, &Sequential));
                let Some(cleared) = cleared else { continue };
                rows.push(row(&case, &cleared, nanos(time), seed));
                if let Some(path) = &self.dump {
                    write_file(path, &case.sets().to_string())?;
                }
            }
        }
        spinner.finish_and_clear();
        let json = json!({ "bench": "select", "bundles": self.bundles, "rows": rows });
        report::print(is_json, &human(&json), &json)
    }
}

/// Random bundles over random intents.
struct Case {
    input: AuctionInput,
    solutions: Vec<Solution>,
}

impl Case {
    fn random(intents: u32, bundles: u32, seed: u64) -> Case {
        let mut random = Random(seed);
        let offers: Vec<Offer> = (0..intents).map(|number| Offer::random(number, &mut random)).collect();
        let input = input(&offers, seed);
        let mut solutions: Vec<Solution> = (1..=10)
            .map(|solver| Solution {
                solver: SolverId(solver),
                auction: AuctionId(1),
                bundles: Vec::new(),
                prices: None,
            })
            .collect();
        for number in 0..usize::try_from(bundles).unwrap_or(usize::MAX) {
            let solver = number % solutions.len();
            solutions[solver].bundles.push(bundle(&offers, &mut random));
        }
        Case { input, solutions }
    }

    fn bundles(&self) -> impl Iterator<Item = (Score, BTreeSet<u32>)> + '_ {
        let bundles = self.solutions.iter().flat_map(|solution| &solution.bundles);
        bundles
            .map(|bundle| (score_bundle(&self.input, bundle), bundle.fills.iter().map(|fill| fill.intent.0).collect()))
    }

    /// What best score first alone comes to.
    fn swept(&self) -> Score {
        let mut bundles: Vec<_> = self.bundles().collect();
        bundles.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let mut filled = BTreeSet::new();
        let mut sum: Score = 0;
        for (score, intents) in bundles {
            if filled.is_disjoint(&intents) {
                filled.extend(intents);
                sum += score;
            }
        }
        sum
    }

    fn sets(&self) -> Value {
        let set = |(score, intents): (Score, BTreeSet<u32>)| json!({ "score": score.to_string(), "intents": intents });
        json!({ "intents": self.input.intents.len(), "sets": self.bundles().map(set).collect::<Vec<_>>() })
    }
}

/// Which way an intent trades: half forth, the others back, every tenth of double size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forth,
    Back,
    BackDouble,
}

/// A whole intent.
struct Offer {
    way: Way,
    slack: u64,
}

impl Offer {
    fn random(number: u32, random: &mut Random) -> Offer {
        let way = match number % 10 {
            0 | 2 | 4 | 6 | 8 => Way::Forth,
            9 => Way::BackDouble,
            _ => Way::Back,
        };
        Offer { way, slack: 1 + random.below(SLACK) }
    }

    fn units(&self) -> Atoms {
        if self.way == Way::BackDouble { 2 } else { 1 }
    }

    fn slack(&self) -> Atoms {
        Atoms::from(self.slack) * self.units()
    }

    fn to_intent(&self, number: u32) -> AuctionIntent {
        let (give, get) = if self.way == Way::Forth { (0, 1) } else { (1, 0) };
        let given = GIVEN * self.units();
        AuctionIntent {
            floor: None,
            party: name("party"),
            id: CommandId(u128::from(number).to_be_bytes()),
            kind: Kind::ExactIn,
            choose: Choose::Split,
            is_all_or_nothing: true,
            remaining: given,
            options: vec![AuctionOption {
                give: DenominationIndex(give),
                get: DenominationIndex(get),
                give_amount: given,
                get_amount: given - self.slack(),
                maximum: given,
                minimum: given,
                number: 0,
                left: given,
                reserve: ReserveIndex(number),
            }],
            condition: Vec::new(),
        }
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

fn input(offers: &[Offer], seed: u64) -> AuctionInput {
    let denomination =
        |asset| Denomination { asset: name(asset), module: name("bank"), scale: 6, price: Price::parse("1") };
    let intents: Vec<AuctionIntent> = (0..).zip(offers).map(|(number, offer)| offer.to_intent(number)).collect();
    let reserve = |intent: &AuctionIntent| Reserve {
        denomination: intent.options[0].give,
        amount: intent.remaining,
        is_scarce: false,
    };
    AuctionInput {
        auction: AuctionId(1),
        rules: RuleSet::Plain,
        opened_at: Timestamp(1),
        close_at: Timestamp(2),
        settle_by: Timestamp(3),
        seed: Hasher::new("bench select").number(seed).finish(),
        surplus_cap_ppm: 0,
        denominations: ["EUR", "USD"].map(denomination).to_vec(),
        reserves: intents.iter().map(reserve).collect(),
        intents,
        venues: Vec::new(),
        facts: Vec::new(),
    }
}

/// Three to eight intents that serve each other at par; of what those that trade forth offer, the solver captures
/// half to all, and the rest goes to one of them beyond what counts.
fn bundle(offers: &[Offer], random: &mut Random) -> Bundle {
    let count = 3 + random.below(6);
    let odd = count % 2;
    let ways = [(Way::Forth, count / 2 + odd), (Way::Back, count / 2 - odd), (Way::BackDouble, odd)];
    let mut chosen: BTreeSet<u32> = BTreeSet::new();
    for (way, mut missing) in ways {
        while missing > 0 {
            let number = random.below(u64::try_from(offers.len()).unwrap_or(1));
            let is_of_way = usize::try_from(number).is_ok_and(|at| offers[at].way == way);
            if is_of_way && chosen.insert(u32::try_from(number).unwrap_or(0)) {
                missing -= 1;
            }
        }
    }
    let missed_permille = Atoms::from(random.below(501));
    let offer = |number: u32| &offers[usize::try_from(number).unwrap_or(usize::MAX)];
    let missed = |number: u32| match offer(number).way {
        Way::Forth => offer(number).slack() * missed_permille / 1_000,
        Way::Back | Way::BackDouble => 0,
    };
    let first = chosen.iter().copied().find(|number| offer(*number).way == Way::Forth);
    let others: Atoms = chosen.iter().filter(|number| Some(**number) != first).map(|number| missed(*number)).sum();
    let fill = |number: u32| {
        let sold = GIVEN * offer(number).units();
        let bought = if Some(number) == first { sold + others } else { sold - missed(number) };
        Fill { intent: IntentIndex(number), option: 0, sold, bought }
    };
    Bundle { fills: chosen.iter().map(|number| fill(*number)).collect(), uses: Vec::new() }
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % bound
    }
}

fn row(case: &Case, cleared: &Clearing, nanos: u64, seed: u64) -> Value {
    let bound = cleared.score.saturating_add(cleared.selection_gap);
    let ppm = |part: Score, whole: Score| part.saturating_mul(1_000_000).checked_div(whole).unwrap_or(0);
    let swept = case.swept();
    json!({
        "intents": case.input.intents.len(), "seed": seed, "nanos": nanos,
        "swept": swept.to_string(), "score": cleared.score.to_string(), "gap": cleared.selection_gap.to_string(),
        "gain_ppm": i64::try_from(ppm(cleared.score.saturating_sub(swept), swept)).unwrap_or(i64::MAX),
        "gap_ppm": i64::try_from(ppm(cleared.selection_gap, bound)).unwrap_or(i64::MAX),
    })
}

fn human(json: &Value) -> String {
    let columns = ["intents", "seed", "gain over the sweep", "gap", "ms"];
    let percent = |value: &Value| {
        let ppm = value.as_i64().unwrap_or(0);
        format!("{}.{:02} %", ppm / 10_000, ppm % 10_000 / 100)
    };
    let cells = |row: &Value| {
        vec![
            row["intents"].to_string(),
            row["seed"].to_string(),
            percent(&row["gain_ppm"]),
            percent(&row["gap_ppm"]),
            row["nanos"].as_u64().unwrap_or(0).div_ceil(1_000_000).to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = json["rows"].as_array().into_iter().flatten().map(cells).collect();
    report::table(&columns, &rows)
}
