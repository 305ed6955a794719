mod ending;
mod reload;
mod start;
mod stop;
mod upgrade;
mod wear;

use super::*;
use crate::supervisor::{Policy, Wear};

/// A story: what happens, and what is done about it, step by step. `+N` lets so
/// many milliseconds pass before.
type Story = (&'static str, usize, &'static [(&'static str, &'static str)]);

/// All of them, by what they are about.
fn all() -> impl Iterator<Item = &'static Story> {
    [start::STORIES, ending::STORIES, wear::STORIES, reload::STORIES, upgrade::STORIES, stop::STORIES]
        .into_iter()
        .flatten()
}

const fn policy(workers: usize) -> Policy {
    let (start_timeout, graceful) = (Duration::from_secs(60), Duration::from_secs(30));
    let wear = Wear {
        requests: Some((1000, 100)),
        age: Some(Duration::from_secs(3600)),
        memory: Some(100 << 20),
        late_calls: Some(2),
        stuck: Some(Duration::from_secs(60)),
    };
    Policy { workers, start_timeout, graceful, pre_stop: Duration::ZERO, one_by_one: false, wear }
}

fn event(words: &[&str]) -> Option<Event> {
    let id = || Id(words[1].parse().unwrap());
    let ended = |how: String, clean, why| Event::Ended(id(), End { how, clean, why, running: Vec::new() });
    Some(match words[0] {
        "begin" => Event::Begin,
        "tick" => Event::Tick,
        "ready" => Event::Ready(id()),
        "exit" => ended(format!("exit code {}", words[2]), words[2] == "0", None),
        "signal" => ended(format!("signal {}", words[2]), false, None),
        "failed" => {
            let why = Failure { code: 2, text: words[2..].join(" ") };
            ended("exit code 2".to_owned(), false, Some(why))
        }
        "crash" => {
            let running = words[2..].iter().map(|word| word.replace('_', " ")).collect();
            Event::Ended(id(), End { how: "signal 11".to_owned(), clean: false, why: None, running })
        }
        "looks" => {
            let value = words[3].parse().unwrap();
            let mut vitals = Vitals::default();
            match words[2] {
                "requests" => vitals.requests = value,
                "memory" => vitals.memory = value << 20,
                "late" => vitals.late_calls = value,
                _ => vitals.stuck = Duration::from_secs(value),
            }
            Event::Vitals(id(), vitals)
        }
        "upgrade" => Event::Command(Command::Upgrade),
        "succeeded" => Event::Succeeded,
        "dead" => Event::NotSucceeded(End { how: words[1..].join(" "), ..End::default() }),
        "stop" => Event::Command(Command::Stop),
        "quit" => Event::Command(Command::Quit),
        "reload" => Event::Command(Command::Reload),
        "more" => Event::Command(Command::More),
        "fewer" => Event::Command(Command::Fewer),
        _ => return None,
    })
}

fn shown(action: &Action) -> String {
    // Of what is said at length, the first words.
    let short = |text: &str| {
        let text = text.replace(", the old workers serve on", "").replace(": the new workers serve", "");
        let text = text.replace(", this program serves on", "").replace(": the new program serves", "");
        text.split(": new workers").next().unwrap().split(": the new program is").next().unwrap().to_owned()
    };
    match action {
        Action::Start(Id(id)) => format!("start {id}"),
        Action::Part(Id(id)) => format!("part {id}"),
        Action::Drain(Id(id)) => format!("drain {id}"),
        Action::Stop(Id(id)) => format!("stop {id}"),
        Action::Kill(Id(id)) => format!("kill {id}"),
        Action::Info(text) => format!("info: {}", short(text)),
        Action::Warn(text) => format!("warn: {}", short(text)),
        Action::Error(text) => format!("error: {}", short(text)),
        Action::Serving => "serving".to_owned(),
        Action::Upgrade => "upgrade".to_owned(),
        Action::Refused(..) => "refused".to_owned(),
        Action::StopSuccessor => "stop successor".to_owned(),
        Action::Upgraded(Ok(())) => "upgraded".to_owned(),
        Action::Upgraded(Err(why)) => format!("not upgraded: {why}"),
        Action::Reloading => "reloading".to_owned(),
        Action::Reloaded(Ok(())) => "reloaded".to_owned(),
        Action::Reloaded(Err(why)) => format!("not reloaded: {why}"),
        Action::Stopping => "stopping".to_owned(),
        Action::Shut => "shut".to_owned(),
        Action::End(Ok(())) => "end".to_owned(),
        Action::End(Err(Failure { code, text })) => format!("end {code}: {text}"),
    }
}

/// What is not an event is a choice.
fn choose(policy: &mut Policy, word: &str) {
    match word {
        "step" => policy.one_by_one = true,
        "patient" => policy.pre_stop = Duration::from_secs(5),
        _ => panic!("{word:?} is no step"),
    }
}

#[test]
fn stories() {
    assert!(all().count() >= 50, "{}", all().count());
    for (name, workers, steps) in all() {
        let mut now = Instant::now();
        let mut table = Table::new(policy(*workers));
        for (step, expected) in *steps {
            let mut words: Vec<&str> = step.split(' ').collect();
            if let Some(passed) = words[0].strip_prefix('+') {
                now += Duration::from_millis(passed.parse().unwrap());
                words.remove(0);
            }
            let done = match event(&words) {
                Some(event) => plan(&mut table, event, now),
                None => {
                    choose(&mut table.policy, step);
                    Vec::new()
                }
            };
            let done: Vec<String> = done.iter().map(shown).collect();
            assert_eq!(done.join(", "), *expected, "{name}: at {step}");
        }
    }
}

/// Whatever is due is done when its time has come: the master never waits for a
/// time that has passed.
#[test]
fn what_is_due_is_done() {
    for (name, workers, steps) in all() {
        let mut now = Instant::now();
        let mut table = Table::new(policy(*workers));
        for (step, _) in *steps {
            let words: Vec<&str> = step.split(' ').filter(|word| !word.starts_with('+')).collect();
            if let Some(event) = event(&words) {
                plan(&mut table, event, now);
            }
            if let Some(time) = due(&table) {
                now = now.max(time);
                plan(&mut table, Event::Tick, now);
                assert!(due(&table).is_none_or(|next| next > now), "{name}: after {step}");
            }
        }
    }
}

/// What is counted is what was said: an operator's figures and the log agree.
#[test]
fn what_was_said_is_counted() {
    let mut all_counts = [0; 5];
    for (name, workers, steps) in all() {
        let (now, mut table, mut said) = (Instant::now(), Table::new(policy(*workers)), Vec::new());
        let mut passed = Duration::ZERO;
        for (step, _) in *steps {
            let mut words: Vec<&str> = step.split(' ').collect();
            if let Some(more) = words[0].strip_prefix('+') {
                passed += Duration::from_millis(more.parse().unwrap());
                words.remove(0);
            }
            match event(&words) {
                Some(event) => said.extend(plan(&mut table, event, now + passed).iter().map(shown)),
                None => choose(&mut table.policy, step),
            }
        }
        let count = |is_so: &dyn Fn(&str) -> bool| said.iter().filter(|text| is_so(text)).count() as u64;
        let is_replaced = |text: &str| text.contains("another takes its place");
        let crashed = count(&|text| is_replaced(text) && text.contains(" ended with "));
        let left = count(&|text| is_replaced(text) && text.contains(" has ended;"));
        let failed = count(&|text| text.contains("could not start"));
        let stuck = count(&|text| text.contains("has not come round"));
        let worn = count(&is_replaced) - crashed - left;
        assert_eq!(table.deeds.restarts, [crashed, left, failed, stuck, worn], "{name}: {said:?}");
        let reloads = [count(&|text| text == "reloaded"), count(&|text| text.starts_with("not reloaded: "))];
        assert_eq!(table.deeds.reloads, reloads, "{name}: {said:?}");
        assert_eq!(table.deeds.failed_upgrades, count(&|text| text.starts_with("not upgraded: ")), "{name}");
        all_counts.iter_mut().zip(table.deeds.restarts).for_each(|(all, one)| *all += one);
    }
    assert!(all_counts.iter().all(|count| *count > 0), "stories of each kind: {all_counts:?}");
}
