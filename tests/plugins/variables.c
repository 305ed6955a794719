/* A module that says which of systemd's variables it sees, and whether programs
   that it starts would get descriptor 3; it has no app. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void tell(void)
{
    static const char *const names[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        fprintf(stderr, "%s is %s\n", names[i], getenv(names[i]) ? "set" : "away");
    int flags = fcntl(3, F_GETFD);
    if (flags >= 0)
        fprintf(stderr, "3 %s at exec\n", flags & FD_CLOEXEC ? "closes" : "stays");
}
