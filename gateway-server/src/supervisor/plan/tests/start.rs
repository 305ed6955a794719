//! The start.

use super::Story;

pub(super) const STORIES: &[Story] = &[
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
];
