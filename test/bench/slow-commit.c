/* Preloaded into a process, it makes each fsync and fdatasync take COMMIT_DELAY_US longer, as flash does. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int delayed(const char *name, int fd) {
  static long delay = -1;
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (delay < 0) {
    const char *set = getenv("COMMIT_DELAY_US");
    delay = set ? atol(set) : 0;
  }
  int result = real(fd);
  if (delay > 0) usleep((useconds_t)delay);
  return result;
}

int fsync(int fd) { return delayed("fsync", fd); }
int fdatasync(int fd) { return delayed("fdatasync", fd); }
