//! Sending signed commands so that each happens at most once, whatever becomes of the answers.

use clearlane_client::delivery::{Way, deliver};
use clearlane_client::envelope::{command, envelope};
use clearlane_client::ids::{NANOS_PER_MILLI, id_text, new_id};
use clearlane_client::{Client, ClientError, KeyPair};
use clearlane_proto::wire;
use clearlane_proto::wire::command::Action;

use super::caller::Caller;
use super::failure::Failure;
use super::outcome::print_outcomes;
use super::report;

/// An action under a fresh id of the engine's time.
pub(crate) fn fresh_command(action: Action, time_ns: u64) -> Result<wire::Command, Failure> {
    Ok(command(new_id(time_ns / NANOS_PER_MILLI)?, action))
}

/// Says the commands' ids, signs and delivers them, and prints each outcome.
///
/// The ids come first: who loses the answer can still ask for it.
pub(crate) async fn send(
    caller: &Caller,
    client: &Client,
    party: &str,
    commands: &[wire::Command],
    way: Way,
) -> Result<(), Failure> {
    let key = KeyPair::read(&caller.key)?;
    for command in commands {
        report::note(&format!("sending {}", id_text(&command.id)));
    }
    let told = |error: &ClientError| report::note(&format!("no answer, sending the same again ({error})"));
    match deliver(client, way, envelope(&key, party, commands), told).await {
        Ok(outcomes) => print_outcomes(caller.json, &outcomes),
        Err(error) if error.is_answer_lost() => Err(unanswered(&error, party, commands, way)),
        Err(error) => Err(error.into()),
    }
}

fn unanswered(error: &ClientError, party: &str, commands: &[wire::Command], way: Way) -> Failure {
    let ids: Vec<String> = commands.iter().map(|command| id_text(&command.id)).collect();
    let advice = match way {
        Way::Submit => format!(
            "ask with `clearlane watch ID --party {party}` or `clearlane intents --party {party}`, or submit the \
             file again with \"id\": \"ID\" in each intent, which never happens twice"
        ),
        Way::Deposit | Way::Withdraw => "send it again with --id ID, which never happens twice".to_owned(),
        Way::Cancel | Way::Apply => "send it again, which changes nothing that was done".to_owned(),
    };
    let which = match ids.as_slice() {
        [only] => only.clone(),
        several => format!("the {} commands above", several.len()),
    };
    let message = format!("no answer came, so {which} may have happened or not; {advice}; the last error: {error}");
    Failure::Unanswered { message, ids }
}
