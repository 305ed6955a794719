//! Modules come, are replaced and go while clients ask: each answer is one that is
//! right at its time, and no connection is lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gateway_tests::client::Client;
use gateway_tests::server::Server;
use gateway_tests::wait::until;

use super::folder::Folder;
use crate::engines::{Engine, engine_tests};
use crate::workers::{gone, workers};

engine_tests! {
    modules_come_and_go_while_clients_ask,
    on_leader: "leader" [],
    on_thread: "thread" [],
    on_epoll: "epoll" [],
    on_fork: "fork" [],
    on_coroutine: "coroutine" [],
}

/// Answers of the apps by what they are.
const HELLO: &str = "200 Hello, World!\n";
const OTHER: &str = "200 no such case";
const NONE: &str = "404 There is nothing here.\n";
const BROKEN: &str = "500 What belongs here cannot be served.\n";

/// What may be answered now.
#[derive(Default)]
struct Right(Mutex<HashMap<&'static str, Vec<&'static str>>>);

impl Right {
    fn lock(&self) -> MutexGuard<'_, HashMap<&'static str, Vec<&'static str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, name: &str) -> Vec<&'static str> {
        self.lock()[name].clone()
    }
}

const ASKED: [&str; 3] = ["stays", "turns", "comes"];

fn modules_come_and_go_while_clients_ask(engine: Engine) {
    let folder = Folder::new(&[("stays", "hello"), ("turns", "hello")]);
    let server = folder.serve(&[engine.flags, &["--workers", "2"]].concat());
    let (right, done, answered) = (Right::default(), AtomicBool::new(false), AtomicUsize::new(0));
    right.lock().extend([("stays", vec![HELLO]), ("turns", vec![HELLO]), ("comes", vec![NONE])]);
    std::thread::scope(|scope| {
        let _end = End(&done);
        for number in 0..4 {
            let (server, right, done, answered) = (&server, &right, &done, &answered);
            scope.spawn(move || asks(server, number % 2 == 0, right, done, answered));
        }
        type Step<'a> = (&'static str, &'static str, &'a dyn Fn());
        let steps: [Step<'_>; 7] = [
            ("comes", HELLO, &|| folder.put("comes", "hello")),
            ("turns", OTHER, &|| folder.put("turns", "conformance")),
            ("comes", OTHER, &|| folder.put("comes", "conformance")),
            ("turns", BROKEN, &|| {
                std::fs::write(folder.path("part"), "no library").unwrap();
                std::fs::rename(folder.path("part"), folder.path("libturns.so")).unwrap();
            }),
            ("turns", HELLO, &|| folder.put("turns", "hello")),
            ("comes", NONE, &|| folder.remove("comes")),
            ("turns", OTHER, &|| folder.put("turns", "conformance")),
        ];
        for (count, (name, then, change)) in steps.into_iter().enumerate() {
            let (old, before) = (workers(&server), answered.load(SeqCst));
            right.lock().get_mut(name).unwrap().push(then);
            change();
            let reloads = || server.log().matches("reloaded: the new workers serve").count();
            until("a reload", reloads, |reloads| *reloads > count);
            gone(&server, &old);
            right.lock().insert(name, vec![then]);
            until("clients are answered", || answered.load(SeqCst), |now| *now > before + 20);
        }
    });
    server.stop();
}

/// Ends the clients.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Asks for one app after the other, on one connection if it is `kept`.
fn asks(server: &Server, kept: bool, right: &Right, done: &AtomicBool, answered: &AtomicUsize) {
    let mut client = None;
    for name in ASKED.iter().cycle() {
        if done.load(SeqCst) {
            return;
        }
        let mut asking = client.take().unwrap_or_else(|| Client::new(server.connect()));
        let before = right.of(name);
        let close = if kept { "" } else { "Connection: close\r\n" };
        asking.send(format!("GET /apps/{name}/x HTTP/1.1\r\nHost: a\r\n{close}\r\n").as_bytes()).expect("it is taken");
        let response = asking.response("GET").expect("it is answered");
        let answer = format!("{} {}", response.status, response.text());
        // Right when it was asked, or when it was answered.
        let allowed = [before, right.of(name)].concat();
        assert!(allowed.contains(&&*answer), "{name}: {answer:?}, and right is {allowed:?}\n{}", server.log());
        answered.fetch_add(1, SeqCst);
        if kept && response.header("connection") != Some("close") {
            client = Some(asking);
        }
    }
}
