//! More and fewer, and the end.

use super::Story;

pub(super) const STORIES: &[Story] = &[
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
