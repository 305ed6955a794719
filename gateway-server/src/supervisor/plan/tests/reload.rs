//! New workers take the place of old ones.

use super::Story;

pub(super) const STORIES: &[Story] = &[
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
    (
        "fewer are wanted than have to come still",
        2,
        &[
            ("begin", "start 1, start 2"),
            ("ready 1", ""),
            ("ready 2", "serving"),
            ("reload", "info: reloading, reloading, start 3, start 4"),
            ("ready 3", ""),
            ("fewer", "info: workers: 1, drain 4, drain 1, drain 2, info: reloaded, reloaded"),
        ],
    ),
];
