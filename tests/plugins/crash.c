/* A module whose constructor ends the process before any check can run. */
#include <signal.h>
#include <stdlib.h>

__attribute__((constructor)) static void crash(void)
{
#ifdef CRASH_SIGNAL
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
#endif
#ifdef CRASH_EXIT
    exit(0);
#endif
}
