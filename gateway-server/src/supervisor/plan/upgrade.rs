//! Upgrades: another program takes over.

use std::time::Instant;

use super::{Action, Command, End, SETTLED, begin_reload, end_if_alone, end_worker};
use crate::supervisor::table::{Mode, Table};

pub(super) fn begin(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    let why = match table.mode {
        Mode::Ending | Mode::Leaving(_) | Mode::Shut(_) => return,
        Mode::Upgrading(_) => "an upgrade is under way",
        Mode::Reloading => "a reload is under way",
        Mode::Serving if !table.has_served => "the workers do not serve yet",
        Mode::Serving => {
            table.mode = Mode::Upgrading(now);
            let text = "upgrading: the new program is started, this one serves on until it is ready";
            todo.extend([Action::Info(text.to_owned()), Action::Upgrade]);
            return;
        }
    };
    todo.extend([Action::Warn(format!("not upgraded: {why}")), Action::Refused(Command::Upgrade, why)]);
}

/// Others serve from now on: what waits here is passed on to them.
pub(super) fn succeeded(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    let Mode::Upgrading(_) = table.mode else { return };
    (table.mode, table.has_left) = (Mode::Ending, true);
    todo.extend([Action::Info("upgraded: the new program serves".to_owned()), Action::Upgraded(Ok(()))]);
    for worker in &mut table.workers {
        end_worker(worker, true, now, todo);
    }
    end_if_alone(table, todo);
}

pub(super) fn not_succeeded(table: &mut Table, end: &End, now: Instant, todo: &mut Vec<Action>) {
    let Mode::Upgrading(_) = table.mode else { return };
    let why = end.why.as_ref().map_or_else(|| format!("it ended with {}", end.how), |why| why.text.clone());
    table.mode = Mode::Serving;
    todo.push(Action::Error(format!("not upgraded, this program serves on: {why}")));
    todo.push(Action::Upgraded(Err(why)));
    table.deeds.failed_upgrades += 1;
    if table.reload_again {
        begin_reload(table, now, todo);
    }
}

/// When the new program has taken too long. It has a limit of its own for each of
/// its workers.
pub(super) fn deadline(table: &Table) -> Option<Instant> {
    let Mode::Upgrading(since) = table.mode else { return None };
    since.checked_add(table.policy.start_timeout.saturating_add(SETTLED))
}
