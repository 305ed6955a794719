use super::*;
use crate::supervisor::Policy;

/// A story: what happens, and what is done about it, step by step. `+N` lets so
/// many milliseconds pass before.
type Story = (&'static str, usize, &'static [(&'static str, &'static str)]);

const STORIES: &[Story] = &[
    // ----- how workers do
    (
        "one that has had enough requests goes when another is there",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("looks 1 requests 1061", ""),
            ("looks 1 requests 1062", "info: worker 1 has had 1062 requests; another takes its place, start 2"),
            ("looks 1 requests 1100", ""),
            ("ready 2", "drain 1"),
            ("looks 1 requests 2000", ""),
            ("exit 1 0", ""),
            ("looks 2 requests 1023", "info: worker 2 has had 1023 requests; another takes its place, start 3"),
        ],
    ),
    (
        "one that is old goes when another is there",
        1,
        &[
            ("begin", "start 1"),
            ("+5000 ready 1", "serving"),
            ("+3599000 looks 1 requests 1", ""),
            ("+1000 looks 1 requests 1", "info: worker 1 is old; another takes its place, start 2"),
            ("ready 2", "drain 1"),
        ],
    ),
    (
        "one that holds too much memory goes when another is there",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("looks 1 memory 99", ""),
            ("looks 1 memory 100", "info: worker 1 holds 100 MiB of memory; another takes its place, start 2"),
            ("failed 2 no database", "error: worker 2 could not start: no database; it is tried again"),
            ("looks 1 memory 120", ""),
            ("+100 tick", "start 3"),
            ("ready 3", "drain 1"),
        ],
    ),
    (
        "one with calls that do not return goes when another is there",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("looks 2 late 1", ""),
            ("looks 2 late 2", "info: worker 2 has 2 calls that do not return; another takes its place, start 3"),
            ("ready 3", "drain 2"),
            ("+32000 tick", "kill 2, warn: worker 2 did not finish in time and is killed"),
        ],
    ),
    (
        "one that does not come round is killed",
        1,
        &[
            ("begin", "start 1"),
            ("looks 1 stuck 70", ""),
            ("ready 1", "serving"),
            ("looks 1 stuck 59", ""),
            ("looks 1 stuck 60", "kill 1, error: worker 1 has not come round for 60 s and is killed, start 2"),
            ("looks 1 stuck 61", ""),
            ("crash 1 GET_/slow", "error: worker 1 is gone; running: GET /slow"),
            ("ready 2", ""),
        ],
    ),
    (
        "what ran is told of one that crashes",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            (
                "crash 1 GET_/a POST_/b",
                "error: worker 1 ended with signal 11; another takes its place; running: GET /a, POST /b",
            ),
        ],
    ),
    (
        "one that is worn and ends is not missed",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("looks 1 late 2", "info: worker 1 has 2 calls that do not return; another takes its place, start 2"),
            ("crash 1", "error: worker 1 ended with signal 11; another takes its place"),
            ("+100 tick", ""),
            ("ready 2", ""),
        ],
    ),
    (
        "a reload takes the place of those that are worn",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("looks 1 late 2", "info: worker 1 has 2 calls that do not return; another takes its place, start 2"),
            ("reload", "info: reloading, reloading, start 3"),
            ("ready 2", ""),
            ("ready 3", "drain 1, drain 2, info: reloaded, reloaded"),
        ],
    ),
    // ----- the start
    ("as many are started as are wanted", 3, &[("begin", "start 1, start 2, start 3")]),
    (
        "it is said once that all serve",
        2,
        &[("begin", "start 1, start 2"), ("ready 2", ""), ("ready 1", "serving"), ("ready 1", "")],
    ),
    (
        "an app that cannot be created ends the master",
        1,
        &[("begin", "start 1"), ("failed 1 no such file", "end 2: no such file")],
    ),
    (
        "the others are ended before",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("failed 2 no such file", "stop 1"),
            ("exit 1 0", "end 2: no such file"),
        ],
    ),
    (
        "two that fail for one reason say it once",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("failed 1 no such file", "stop 2"),
            ("failed 2 no such file", "end 2: no such file"),
        ],
    ),
    (
        "a crash at the start is one of the app",
        1,
        &[("begin", "start 1"), ("signal 1 11", "end 1: its process ended with signal 11")],
    ),
    (
        "one that ends cleanly before it serves has not served",
        1,
        &[("begin", "start 1"), ("exit 1 0", "end 1: its process ended with exit code 0")],
    ),
    (
        "a start that takes too long is one that failed",
        1,
        &[
            ("begin", "start 1"),
            ("+59999 tick", ""),
            ("+1 tick", "kill 1, error: worker 1 was not ready in time and is killed"),
            ("signal 1 9", "end 1: the app was not ready in time"),
        ],
    ),
    // ----- a worker ends
    (
        "a crash is said and made good after a moment",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("+1000 signal 1 11", "error: worker 1 ended with signal 11; another takes its place"),
            ("+99 tick", ""),
            ("+1 tick", "start 2"),
            ("ready 2", ""),
        ],
    ),
    (
        "one that has lived is replaced at once",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("+10000 signal 1 11", "error: worker 1 ended with signal 11; another takes its place, start 2"),
        ],
    ),
    (
        "one that ends cleanly is replaced at once",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("+1 exit 1 0", "info: worker 1 has ended; another takes its place, start 2"),
        ],
    ),
    (
        "the waits grow",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("signal 1 6", "error: worker 1 ended with signal 6; another takes its place"),
            ("+100 tick", "start 2"),
            ("ready 2", ""),
            ("signal 2 6", "error: worker 2 ended with signal 6; another takes its place"),
            ("+199 tick", ""),
            ("+1 tick", "start 3"),
            ("failed 3 no database", "error: worker 3 could not start: no database; it is tried again"),
            ("+399 tick", ""),
            ("+1 tick", "start 4"),
        ],
    ),
    (
        "the waits begin anew with one that has lived",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("signal 1 6", "error: worker 1 ended with signal 6; another takes its place"),
            ("+100 tick", "start 2"),
            ("ready 2", ""),
            ("+10000 signal 2 6", "error: worker 2 ended with signal 6; another takes its place, start 3"),
            ("ready 3", ""),
            ("signal 3 6", "error: worker 3 ended with signal 6; another takes its place"),
            ("+100 tick", "start 4"),
        ],
    ),
    (
        "one of several is replaced, the others are left alone",
        3,
        &[
            ("begin", "start 1, start 2, start 3"),
            ("ready 1", ""),
            ("ready 2", ""),
            ("ready 3", "serving"),
            ("signal 2 9", "error: worker 2 ended with signal 9; another takes its place"),
            ("+100 tick", "start 4"),
            ("ready 4", ""),
        ],
    ),
    (
        "who is nobody's worker is nobody's business",
        1,
        &[("begin", "start 1"), ("ready 1", "serving"), ("exit 7 1", ""), ("ready 7", "")],
    ),
    // ----- reload
    (
        "old workers go when all new ones serve",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("reload", "info: reloading, reloading, start 3, start 4"),
            ("ready 4", ""),
            ("ready 3", "drain 1, drain 2, info: reloaded, reloaded"),
            ("exit 1 0", ""),
            ("exit 2 0", ""),
        ],
    ),
    (
        "or one by one",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("step", ""),
            ("reload", "info: reloading, reloading, start 3, start 4"),
            ("ready 3", "drain 1"),
            ("ready 4", "drain 2, info: reloaded, reloaded"),
        ],
    ),
    (
        "a new app that cannot be created changes nothing",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("reload", "info: reloading, reloading, start 3, start 4"),
            ("failed 3 no such file", "drain 4, error: not reloaded: no such file, not reloaded: no such file"),
            ("exit 4 0", ""),
            ("signal 1 11", "error: worker 1 ended with signal 11; another takes its place"),
            ("+100 tick", "start 5"),
        ],
    ),
    (
        "nor one that crashes",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            (
                "signal 2 11",
                "error: not reloaded: its process ended with signal 11, not reloaded: its process ended with signal 11",
            ),
        ],
    ),
    (
        "nor one that hangs",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            (
                "+60000 tick",
                "kill 2, error: worker 2 was not ready in time and is killed, \
             error: not reloaded: the app was not ready in time, not reloaded: the app was not ready in time",
            ),
            ("signal 2 9", ""),
        ],
    ),
    (
        "the second of two that cannot is not told of",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("reload", "info: reloading, reloading, start 3, start 4"),
            ("failed 3 no", "drain 4, error: not reloaded: no, not reloaded: no"),
            ("failed 4 no", ""),
        ],
    ),
    (
        "one by one, who was retired too early is replaced",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("step", ""),
            ("reload", "info: reloading, reloading, start 3, start 4"),
            ("ready 3", "drain 1"),
            ("failed 4 no", "drain 3, error: not reloaded: no, not reloaded: no, start 5"),
        ],
    ),
    (
        "an old worker that crashes meanwhile is made good by the new ones",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            ("signal 1 11", "error: worker 1 ended with signal 11; another takes its place"),
            ("ready 2", "info: reloaded, reloaded"),
        ],
    ),
    (
        "a reload during a reload follows it",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            ("reload", ""),
            ("reload", ""),
            ("ready 2", "drain 1, info: reloaded, reloaded, info: reloading, reloading, start 3"),
            ("ready 3", "drain 2, info: reloaded, reloaded"),
        ],
    ),
    (
        "also one that failed",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            ("reload", ""),
            ("failed 2 no", "error: not reloaded: no, not reloaded: no, info: reloading, reloading, start 3"),
            ("ready 3", "drain 1, info: reloaded, reloaded"),
        ],
    ),
    (
        "a reload does not wait for one that fails again and again",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("signal 1 11", "error: worker 1 ended with signal 11; another takes its place"),
            ("reload", "info: reloading, reloading, start 2"),
            ("ready 2", "info: reloaded, reloaded"),
        ],
    ),
    (
        "an old worker that does not finish is killed",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            ("ready 2", "drain 1, info: reloaded, reloaded"),
            ("+31999 tick", ""),
            ("+1 tick", "kill 1, warn: worker 1 did not finish in time and is killed"),
            ("signal 1 9", ""),
        ],
    ),
    (
        "one that ends badly while it finishes is told of",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            ("ready 2", "drain 1, info: reloaded, reloaded"),
            ("exit 1 1", "error: worker 1 ended with exit code 1 while it finished"),
        ],
    ),
    (
        "a reload during the start is a part of it",
        1,
        &[
            ("begin", "start 1"),
            ("reload", "info: reloading, reloading, start 2"),
            ("ready 1", ""),
            ("ready 2", "drain 1, info: reloaded, reloaded, serving"),
        ],
    ),
    (
        "also one that fails",
        1,
        &[
            ("begin", "start 1"),
            ("reload", "info: reloading, reloading, start 2"),
            ("ready 1", ""),
            ("failed 2 no", "error: not reloaded: no, not reloaded: no, serving"),
        ],
    ),
    // ----- more and fewer
    (
        "one more",
        1,
        &[("begin", "start 1"), ("ready 1", "serving"), ("more", "info: workers: 2, start 2"), ("ready 2", "")],
    ),
    (
        "one fewer: the newest goes",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("fewer", "info: workers: 1, drain 2"),
            ("exit 2 0", ""),
        ],
    ),
    (
        "one stays",
        1,
        &[("begin", "start 1"), ("ready 1", "serving"), ("fewer", "warn: there is one worker, which stays")],
    ),
    (
        "one more while workers are started again waits as they do",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("signal 1 11", "error: worker 1 ended with signal 11; another takes its place"),
            ("more", "info: workers: 2"),
            ("+100 tick", "start 2, start 3"),
        ],
    ),
    // ----- the end
    (
        "all finish what runs",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("stop", "stopping, stop 1, stop 2"),
            ("exit 1 0", ""),
            ("exit 2 0", "end"),
        ],
    ),
    (
        "told twice, all end at once",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("stop", "stopping, stop 1"),
            ("stop", "kill 1"),
            ("stop", ""),
            ("signal 1 9", "end"),
        ],
    ),
    (
        "at once",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("quit", "stopping, kill 1, kill 2"),
            ("quit", ""),
            ("signal 2 9", ""),
            ("signal 1 9", "end"),
        ],
    ),
    (
        "who does not finish is killed",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("stop", "stopping, stop 1"),
            ("+32000 tick", "kill 1, warn: worker 1 did not finish in time and is killed"),
            ("signal 1 9", "end"),
        ],
    ),
    (
        "nobody is started any more",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("signal 1 11", "error: worker 1 ended with signal 11; another takes its place"),
            ("stop", "stopping, end"),
            ("+100 tick", ""),
        ],
    ),
    (
        "nothing else is obeyed then",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("stop", "stopping, stop 1"),
            ("reload", ""),
            ("more", ""),
            ("fewer", ""),
            ("exit 1 0", "end"),
        ],
    ),
    (
        "a stop during the start",
        1,
        &[("begin", "start 1"), ("stop", "stopping, stop 1"), ("ready 1", ""), ("exit 1 0", "end")],
    ),
    (
        "a stop during a reload ends the new and the old",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            ("stop", "stopping, stop 1, stop 2"),
            ("exit 2 0", ""),
            ("exit 1 0", "end"),
        ],
    ),
    (
        "one that drains goes on draining",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            ("ready 2", "drain 1, info: reloaded, reloaded"),
            ("stop", "stopping, stop 2"),
            ("exit 2 0", ""),
            ("exit 1 0", "end"),
        ],
    ),
    (
        "one that ends badly at the end is told of",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("stop", "stopping, stop 1"),
            ("exit 1 1", "error: worker 1 ended with exit code 1 while it finished, end"),
        ],
    ),
];

const fn policy(workers: usize) -> Policy {
    let (start_timeout, graceful) = (Duration::from_secs(60), Duration::from_secs(30));
    let wear = Wear {
        requests: Some((1000, 100)),
        age: Some(Duration::from_secs(3600)),
        memory: Some(100 << 20),
        late_calls: Some(2),
        stuck: Some(Duration::from_secs(60)),
    };
    Policy { workers, start_timeout, graceful, one_by_one: false, wear }
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
        text.split(": new workers").next().unwrap().to_owned()
    };
    match action {
        Action::Start(Id(id)) => format!("start {id}"),
        Action::Drain(Id(id)) => format!("drain {id}"),
        Action::Stop(Id(id)) => format!("stop {id}"),
        Action::Kill(Id(id)) => format!("kill {id}"),
        Action::Info(text) => format!("info: {}", short(text)),
        Action::Warn(text) => format!("warn: {}", short(text)),
        Action::Error(text) => format!("error: {}", short(text)),
        Action::Serving => "serving".to_owned(),
        Action::Reloading => "reloading".to_owned(),
        Action::Reloaded(Ok(())) => "reloaded".to_owned(),
        Action::Reloaded(Err(why)) => format!("not reloaded: {why}"),
        Action::Stopping => "stopping".to_owned(),
        Action::End(Ok(())) => "end".to_owned(),
        Action::End(Err(Failure { code, text })) => format!("end {code}: {text}"),
    }
}

#[test]
fn stories() {
    assert!(STORIES.len() >= 40, "{}", STORIES.len());
    for (name, workers, steps) in STORIES {
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
                    table.policy.one_by_one = true;
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
    for (name, workers, steps) in STORIES {
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
