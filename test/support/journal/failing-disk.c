// Preloaded into a process (LD_PRELOAD), this sees every system call on the files of one directory, can make one of them
// fail, and writes all of them down, so that failing-disk.ts can say what a power cut would have left.
//
// FAULT_DIR  the directory, without a slash at the end; shared memory files (-shm) are no part of the disk and left alone
// FAULT_LOG  where calls are written down, as records: op, path, offset, length, data (see put())
// FAULT_AT   which call fails, from 1; 0 for none
// FAULT_KIND eio     it fails, nothing happens; a failed sync has dropped what it should have written, as Linux does
//            late    it happens, and fails all the same
//            nospc   a call that needs room fails with ENOSPC
//            short   a write takes half of its bytes
//            die     the process ends before it
//            dead    it fails, and so does every later one: the disk is gone
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char dir[PATH_MAX];
static size_t dir_length;
static int log_fd = -1;
static long fault_at, calls;
static const char *kind = "";

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("FAULT_AT"), *log = getenv("FAULT_LOG"), *where = getenv("FAULT_DIR");
  if (!where || !log) return;
  if (getenv("FAULT_KIND")) kind = getenv("FAULT_KIND");
  fault_at = at ? atol(at) : 0;
  snprintf(dir, sizeof dir, "%s", where);
  dir_length = strlen(dir);
  log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

#define REAL(name) \
  static __typeof__(name) *real; \
  if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

// The name inside of the directory, "." for the directory itself; NULL for anything else.
static const char *inside(const char *path) {
  if (log_fd < 0 || !path || strncmp(path, dir, dir_length) != 0) return NULL;
  const char *name = path + dir_length;
  if (*name == 0) return ".";
  if (*name != '/') return NULL;
  size_t length = strlen(++name);
  if (length > 4 && strcmp(name + length - 4, "-shm") == 0) return NULL;
  if (length > 10 && strcmp(name + length - 10, " (deleted)") == 0) return NULL;
  return name;
}

static const char *inside_fd(int fd, char *buffer) {
  char link[40];
  if (log_fd < 0 || fd == log_fd) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_MAX - 1);
  if (length <= 0) return NULL;
  buffer[length] = 0;
  return inside(buffer);
}

static void append(const void *bytes, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = syscall(SYS_write, log_fd, (const char *)bytes + done, length - done);
    if (n <= 0) abort();
    done += (size_t)n;
  }
}

// One record, numbers little-endian: op (1 byte), length of path (2), path, offset (8), length of data (4), data.
static void put(char op, const char *path, uint64_t offset, const void *data, uint32_t length) {
  char head[3 + PATH_MAX + 12];
  uint16_t path_length = (uint16_t)strlen(path);
  head[0] = op;
  memcpy(head + 1, &path_length, 2);
  memcpy(head + 3, path, path_length);
  memcpy(head + 3 + path_length, &offset, 8);
  memcpy(head + 11 + path_length, &length, 4);
  append(head, 15u + path_length);
  if (length) append(data, length);
}

enum fate { GO, FAIL, LATE, SHORT };
enum need { NOTHING, ROOM };

// Whether this call fails, and how: errno is set. Called with the lock held.
static enum fate fate(const char *call, const char *path, enum need need) {
  put('c', path, (uint64_t)++calls, call, (uint32_t)strlen(call));
  if (fault_at == 0 || calls < fault_at || (calls > fault_at && strcmp(kind, "dead") != 0)) return GO;
  put('!', path, (uint64_t)calls, call, (uint32_t)strlen(call));
  if (strcmp(kind, "die") == 0) syscall(SYS_exit_group, 137);
  errno = EIO;
  if (strcmp(kind, "late") == 0) return LATE;
  if (strcmp(kind, "short") == 0) return need == ROOM ? SHORT : GO;
  if (strcmp(kind, "nospc") == 0) {
    errno = ENOSPC;
    return need == ROOM ? FAIL : GO;
  }
  return FAIL;
}

#define ENTER() pthread_mutex_lock(&lock)
#define LEAVE(value) \
  do { \
    int kept = errno; \
    pthread_mutex_unlock(&lock); \
    errno = kept; \
    return value; \
  } while (0)

static int opened(const char *call, const char *path, int flags, mode_t mode, int at) {
  const char *name = inside(path);
  if (!name || !(flags & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR))) return (int)syscall(SYS_openat, at, path, flags, mode);
  ENTER();
  enum fate how = fate(call, name, flags & O_CREAT ? ROOM : NOTHING);
  if (how == FAIL) LEAVE(-1);
  int kept = errno;
  int fd = (int)syscall(SYS_openat, at, path, flags, mode);
  if (fd >= 0 && (flags & O_CREAT)) put('O', name, 0, NULL, 0);
  if (fd >= 0 && (flags & O_TRUNC)) put('T', name, 0, NULL, 0);
  if (how == LATE) {
    if (fd >= 0) syscall(SYS_close, fd);
    errno = kept;
    LEAVE(-1);
  }
  LEAVE(fd);
}

#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }

int open(const char *path, int flags, ...) { MODE(flags); return opened("open", path, flags, mode, AT_FDCWD); }
int open64(const char *path, int flags, ...) { MODE(flags); return opened("open", path, flags | O_LARGEFILE, mode, AT_FDCWD); }
int openat(int at, const char *path, int flags, ...) { MODE(flags); return opened("open", path, flags, mode, at); }
int openat64(int at, const char *path, int flags, ...) { MODE(flags); return opened("open", path, flags | O_LARGEFILE, mode, at); }

// `offset` is -1 for where the file stands.
static ssize_t written(const char *call, int fd, const void *bytes, size_t length, off64_t offset) {
  char buffer[PATH_MAX];
  const char *name = inside_fd(fd, buffer);
  if (name) ENTER();
  enum fate how = name ? fate(call, name, ROOM) : GO;
  if (how == FAIL) LEAVE(-1);
  int kept = errno;
  size_t part = how == SHORT ? length / 2 : length;
  off64_t at = offset >= 0 || !name ? offset : syscall(SYS_lseek, fd, 0, SEEK_CUR);
  ssize_t done = offset >= 0 ? syscall(SYS_pwrite64, fd, bytes, part, offset) : syscall(SYS_write, fd, bytes, part);
  if (!name) return done;
  if (done > 0) put('W', name, (uint64_t)at, bytes, (uint32_t)done);
  if (how == LATE) {
    errno = kept;
    LEAVE(-1);
  }
  LEAVE(done);
}

ssize_t write(int fd, const void *bytes, size_t length) { return written("write", fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return written("pwrite", fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return written("pwrite", fd, bytes, length, at); }

static int read_fails(const char *call, int fd) {
  char buffer[PATH_MAX];
  const char *name = inside_fd(fd, buffer);
  if (!name) return 0;
  ENTER();
  enum fate how = fate(call, name, NOTHING);
  LEAVE(how == FAIL || how == LATE);
}

ssize_t read(int fd, void *bytes, size_t length) {
  return read_fails("read", fd) ? -1 : syscall(SYS_read, fd, bytes, length);
}
ssize_t pread(int fd, void *bytes, size_t length, off_t at) {
  return read_fails("pread", fd) ? -1 : syscall(SYS_pread64, fd, bytes, length, at);
}
ssize_t pread64(int fd, void *bytes, size_t length, off64_t at) {
  return read_fails("pread", fd) ? -1 : syscall(SYS_pread64, fd, bytes, length, at);
}

static int synced(const char *call, int fd, long number) {
  char buffer[PATH_MAX];
  const char *name = inside_fd(fd, buffer);
  if (!name) return (int)syscall(number, fd);
  ENTER();
  enum fate how = fate(call, name, NOTHING);
  if (how == FAIL) {
    put('F', name, 0, NULL, 0);
    LEAVE(-1);
  }
  int kept = errno;
  int result = (int)syscall(number, fd);
  if (result == 0) put('S', name, 0, NULL, 0);
  if (how == LATE) {
    errno = kept;
    LEAVE(-1);
  }
  LEAVE(result);
}

int fsync(int fd) { return synced("fsync", fd, SYS_fsync); }
int fdatasync(int fd) { return synced("fdatasync", fd, SYS_fdatasync); }

static int truncated(int fd, off64_t length) {
  char buffer[PATH_MAX];
  const char *name = inside_fd(fd, buffer);
  if (!name) return (int)syscall(SYS_ftruncate, fd, length);
  ENTER();
  enum fate how = fate("ftruncate", name, ROOM);
  if (how == FAIL) LEAVE(-1);
  int kept = errno;
  int result = (int)syscall(SYS_ftruncate, fd, length);
  if (result == 0) put('T', name, (uint64_t)length, NULL, 0);
  if (how == LATE) {
    errno = kept;
    LEAVE(-1);
  }
  LEAVE(result);
}

int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncated(fd, length); }

int rename(const char *from, const char *to) {
  REAL(rename);
  const char *old_name = inside(from), *new_name = inside(to);
  if (!old_name || !new_name) return real(from, to);
  ENTER();
  enum fate how = fate("rename", old_name, NOTHING);
  if (how == FAIL) LEAVE(-1);
  int kept = errno;
  int result = real(from, to);
  if (result == 0) put('R', old_name, 0, new_name, (uint32_t)strlen(new_name));
  if (how == LATE) {
    errno = kept;
    LEAVE(-1);
  }
  LEAVE(result);
}

int unlink(const char *path) {
  REAL(unlink);
  const char *name = inside(path);
  if (!name) return real(path);
  ENTER();
  enum fate how = fate("unlink", name, NOTHING);
  if (how == FAIL) LEAVE(-1);
  int kept = errno;
  int result = real(path);
  if (result == 0) put('U', name, 0, NULL, 0);
  if (how == LATE) {
    errno = kept;
    LEAVE(-1);
  }
  LEAVE(result);
}

// What would go past the above: to be noticed, not to be missed. None of it is used today.
#define UNSEEN(path_or_fd) \
  if (path_or_fd) { \
    put('?', path_or_fd, 0, __func__, (uint32_t)strlen(__func__)); \
    abort(); \
  }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  char buffer[PATH_MAX];
  UNSEEN(inside_fd(fd, buffer));
  return syscall(SYS_pwritev, fd, parts, count, at, 0);
}
int fallocate(int fd, int mode, off_t at, off_t length) {
  char buffer[PATH_MAX];
  UNSEEN(inside_fd(fd, buffer));
  return (int)syscall(SYS_fallocate, fd, mode, at, length);
}
int truncate(const char *path, off_t length) {
  UNSEEN(inside(path));
  return (int)syscall(SYS_truncate, path, length);
}
