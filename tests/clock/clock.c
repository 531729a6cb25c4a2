/* A clock that a test sets.

   Preloaded into a node, it gives the milliseconds since 1970 that stand in the file
   STRATUS_CLOCK, eight bytes in the machine's order, as the time of day; zero is the real time. All
   other clocks are the system's.

   It counts on the node using libc for the time, as Rust's standard library does. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *milliseconds;

__attribute__((constructor)) static void map(void) {
  const char *path = getenv("STRATUS_CLOCK");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *mapped = mmap(NULL, sizeof *milliseconds, PROT_READ, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED) milliseconds = mapped;
  close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int64_t set = clock == CLOCK_REALTIME && milliseconds ? *milliseconds : 0;
  if (set == 0) return (int)syscall(SYS_clock_gettime, clock, time);
  time->tv_sec = set / 1000;
  time->tv_nsec = set % 1000 * 1000000;
  return 0;
}
