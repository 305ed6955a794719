/* A module that says which of systemd's variables it sees; it has no app. */
#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void tell(void)
{
    static const char *const names[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fprintf(stderr, "%s is %s\n", names[i], getenv(names[i]) ? "set" : "away");
}
