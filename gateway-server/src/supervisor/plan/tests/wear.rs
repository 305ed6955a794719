//! Workers that are replaced though they serve.

use super::Story;

pub(super) const STORIES: &[Story] = &[
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
    (
        "one that is worn before a reload is over goes with it",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("reload", "info: reloading, reloading, start 3, start 4"),
            ("ready 3", ""),
            ("looks 3 late 2", "info: worker 3 has 2 calls that do not return; another takes its place, start 5"),
            ("ready 4", ""),
            ("ready 5", "drain 1, drain 2, info: reloaded, reloaded, drain 3"),
        ],
    ),
    (
        "one that is worn goes where fewer are wanted",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("looks 1 late 2", "info: worker 1 has 2 calls that do not return; another takes its place, start 3"),
            ("fewer", "info: workers: 1, drain 3, drain 1"),
        ],
    ),
];
