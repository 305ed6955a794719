/* A module whose constructor ends the process before any check can run, or never
   returns. */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void crash(void)
{
#ifdef CRASH_SIGNAL
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
#endif
#ifdef CRASH_EXIT
    exit(0);
#endif
#ifdef CRASH_NEVER
    for (;;)
        pause();
#endif
}
