//! A worker that ends by itself.

use super::Story;

pub(super) const STORIES: &[Story] = &[
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
];
