//! Another program takes over.

use super::Story;

pub(super) const STORIES: &[Story] = &[
    (
        "a new program takes over when it serves",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("upgrade", "info: upgrading, upgrade"),
            ("+1000 succeeded", "info: upgraded, upgraded, drain 1, drain 2"),
            ("exit 1 0", ""),
            ("exit 2 0", "end"),
        ],
    ),
    (
        "a new program that cannot serve changes nothing",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("upgrade", "info: upgrading, upgrade"),
            (
                "dead exit code 2",
                "error: not upgraded: it ended with exit code 2, not upgraded: it ended with exit code 2",
            ),
            ("dead exit code 2", ""),
            ("succeeded", ""),
            ("upgrade", "info: upgrading, upgrade"),
        ],
    ),
    (
        "a new program that says nothing is ended",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("upgrade", "info: upgrading, upgrade"),
            ("+69999 tick", ""),
            (
                "+1 tick",
                "stop successor, error: not upgraded: it ended with no word, not upgraded: it ended with no word",
            ),
            ("dead signal 15", ""),
        ],
    ),
    (
        "one thing is done at a time",
        1,
        &[
            ("begin", "start 1"),
            ("upgrade", "warn: not upgraded: the workers do not serve yet, refused"),
            ("ready 1", "serving"),
            ("reload", "info: reloading, reloading, start 2"),
            ("upgrade", "warn: not upgraded: a reload is under way, refused"),
            ("ready 2", "drain 1, info: reloaded, reloaded"),
            ("exit 1 0", ""),
            ("upgrade", "info: upgrading, upgrade"),
            ("upgrade", "warn: not upgraded: an upgrade is under way, refused"),
            ("reload", ""),
            (
                "dead signal 11",
                "error: not upgraded: it ended with signal 11, not upgraded: it ended with signal 11, \
                 info: reloading, reloading, start 3",
            ),
        ],
    ),
    (
        "a crash during an upgrade is made good",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("upgrade", "info: upgrading, upgrade"),
            ("+10000 signal 1 11", "error: worker 1 ended with signal 11; another takes its place, start 2"),
            ("ready 2", ""),
            ("succeeded", "info: upgraded, upgraded, drain 2"),
        ],
    ),
    (
        "who has been taken over from is told to stop once before it does not wait",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("upgrade", "info: upgrading, upgrade"),
            ("succeeded", "info: upgraded, upgraded, drain 1"),
            ("stop", "part 1"),
            ("stop", "kill 1"),
            ("signal 1 9", "end"),
        ],
    ),
    (
        "who is told to stop stops what was to come",
        1,
        &[
            ("begin", "start 1"),
            ("ready 1", "serving"),
            ("upgrade", "info: upgrading, upgrade"),
            ("stop", "stop successor, stopping, stop 1"),
            ("dead signal 15", ""),
            ("succeeded", ""),
            ("exit 1 0", "end"),
        ],
    ),
];
