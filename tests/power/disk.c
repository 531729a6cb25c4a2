/* A disk that can lose what was not synced.

   Preloaded into a node, it keeps beside STRATUS_DISK_ROOT what a power cut would leave of that
   folder, in STRATUS_DISK_MIRROR:

     content.INODE   the bytes of a file as they were at its last fsync
     listing.INODE   "INODE NAME" a line: a folder's entries as they were at its last fsync
     pin.INODE       a second name for every file that a listing has, so that its number is not
                     given to another file while a lost listing may still come back

   No real fsync is made: what counts is the mirror. Where it sees a file STRATUS_DISK_MIRROR/fail.X,
   it fails: X is `sync` (EIO), `write` (EIO) or `full` (ENOSPC). With STRATUS_DISK_LIES an fsync says
   that all is well and does nothing.

   It counts on the node using libc for opening, writing and syncing, as Rust's standard library
   does. Naming, renaming and removing need not be seen. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES_MAX = 65536, PATH_BYTES_MAX = 4096, WHOLE_BYTES_MAX = 1 << 20 };

/* The part of a file that was written since its last fsync, by file descriptor's inode. */
struct dirty {
  ino_t inode;
  off_t from, to;
};

static unsigned char watched[FILES_MAX];
static struct dirty dirty[FILES_MAX];
static int dirty_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static const char *root(void) { return getenv("STRATUS_DISK_ROOT"); }

static void mirror_path(char *path, const char *kind, unsigned long inode) {
  snprintf(path, PATH_BYTES_MAX, "%s/%s.%lu", getenv("STRATUS_DISK_MIRROR"), kind, inode);
}

static int fails(const char *what) {
  char path[PATH_BYTES_MAX];
  snprintf(path, sizeof path, "%s/fail.%s", getenv("STRATUS_DISK_MIRROR"), what);
  return access(path, F_OK) == 0;
}

static int is_watched(int fd) { return fd >= 0 && fd < FILES_MAX && watched[fd]; }

/* A file that is new has nothing durable, whatever had its number before. */
static int opened(int fd, const char *path, int flags) {
  if (fd < 0 || fd >= FILES_MAX || !root()) return fd;
  watched[fd] = strncmp(path, root(), strlen(root())) == 0;
  struct stat file;
  if (!watched[fd] || !(flags & O_CREAT) || fstat(fd, &file) != 0 || file.st_size > 0) return fd;
  char pin[PATH_BYTES_MAX], content[PATH_BYTES_MAX];
  mirror_path(pin, "pin", file.st_ino);
  mirror_path(content, "content", file.st_ino);
  if (access(pin, F_OK) != 0) unlink(content);
  return fd;
}

static mode_t mode_of(int flags, va_list rest) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                              \
  int name(const char *path, int flags, ...) {                  \
    va_list rest;                                               \
    va_start(rest, flags);                                      \
    mode_t mode = mode_of(flags, rest);                         \
    va_end(rest);                                               \
    return opened(REAL(name)(path, flags, mode), path, flags);  \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                   \
  int name(int folder, const char *path, int flags, ...) {             \
    va_list rest;                                                      \
    va_start(rest, flags);                                             \
    mode_t mode = mode_of(flags, rest);                                \
    va_end(rest);                                                      \
    return opened(REAL(name)(folder, path, flags, mode), path, flags); \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  if (fd >= 0 && fd < FILES_MAX) watched[fd] = 0;
  return REAL(close)(fd);
}

/* A second descriptor of a file is watched as the first is. */
#define FCNTL(name)                                                                     \
  int name(int fd, int command, ...) {                                                  \
    va_list rest;                                                                       \
    va_start(rest, command);                                                            \
    void *argument = va_arg(rest, void *);                                              \
    va_end(rest);                                                                       \
    int result = REAL(name)(fd, command, argument);                                     \
    int twin = command == F_DUPFD || command == F_DUPFD_CLOEXEC;                        \
    if (twin && result >= 0 && result < FILES_MAX) watched[result] = is_watched(fd);    \
    return result;                                                                      \
  }
FCNTL(fcntl)
FCNTL(fcntl64)

static struct dirty *dirty_of(ino_t inode) {
  for (int i = 0; i < dirty_count; i++)
    if (dirty[i].inode == inode) return &dirty[i];
  return NULL;
}

static void soil(int fd, off_t from, off_t to) {
  struct stat file;
  if (fstat(fd, &file) != 0) return;
  pthread_mutex_lock(&lock);
  struct dirty *part = dirty_of(file.st_ino);
  if (part) {
    if (from < part->from) part->from = from;
    if (to > part->to) part->to = to;
  } else if (dirty_count < FILES_MAX) {
    dirty[dirty_count++] = (struct dirty){file.st_ino, from, to};
  }
  pthread_mutex_unlock(&lock);
}

/* Whether the disk refuses a write; errno says why. */
static int refuses(int fd) {
  if (!is_watched(fd)) return 0;
  if (fails("write")) return errno = EIO, 1;
  if (fails("full")) return errno = ENOSPC, 1;
  return 0;
}

static ssize_t appended(int fd, ssize_t written) {
  if (written > 0 && is_watched(fd)) {
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (end >= 0) soil(fd, end - written, end);
  }
  return written;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  return refuses(fd) ? -1 : appended(fd, REAL(write)(fd, bytes, count));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  return refuses(fd) ? -1 : appended(fd, REAL(writev)(fd, parts, count));
}

#define PWRITE(name, offset_type)                                           \
  ssize_t name(int fd, const void *bytes, size_t count, offset_type at) {   \
    if (refuses(fd)) return -1;                                             \
    ssize_t written = REAL(name)(fd, bytes, count, at);                     \
    if (written > 0 && is_watched(fd)) soil(fd, at, at + written);          \
    return written;                                                         \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define FTRUNCATE(name, offset_type)                        \
  int name(int fd, offset_type length) {                    \
    if (refuses(fd)) return -1;                             \
    struct stat before;                                     \
    int known = is_watched(fd) && fstat(fd, &before) == 0;  \
    int done = REAL(name)(fd, length);                      \
    if (known && done == 0) {                               \
      off_t old = before.st_size;                           \
      soil(fd, old < length ? old : length, length);        \
    }                                                       \
    return done;                                            \
  }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

/* Copies what was written since the last fsync; a small file as a whole. */
static void keep_content(int fd, const struct stat *file) {
  char path[PATH_BYTES_MAX], self[64];
  mirror_path(path, "content", file->st_ino);
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  int from = REAL(open)(self, O_RDONLY), to = REAL(open)(path, O_WRONLY | O_CREAT, 0600);
  pthread_mutex_lock(&lock);
  struct dirty *part = dirty_of(file->st_ino), copied = {file->st_ino, 0, 0};
  if (part) {
    copied = *part;
    *part = dirty[--dirty_count];
  }
  if (file->st_size <= WHOLE_BYTES_MAX) copied = (struct dirty){file->st_ino, 0, file->st_size};
  char block[65536];
  for (off_t at = copied.from; at < copied.to;) {
    ssize_t count = pread(from, block, sizeof block, at);
    if (count <= 0) break;
    if (REAL(pwrite)(to, block, count, at) != count) abort();
    at += count;
  }
  if (REAL(ftruncate)(to, file->st_size) != 0) abort();
  pthread_mutex_unlock(&lock);
  REAL(close)(from);
  REAL(close)(to);
}

/* Keeps the names in a folder, as a whole or not at all. */
static void keep_listing(int fd, const struct stat *folder) {
  char self[64], path[PATH_BYTES_MAX], draft[PATH_BYTES_MAX + 8], pin[PATH_BYTES_MAX];
  mirror_path(path, "listing", folder->st_ino);
  snprintf(draft, sizeof draft, "%s.draft", path);
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  pthread_mutex_lock(&lock);
  DIR *entries = opendir(self);
  FILE *listing = fopen(draft, "w");
  if (!entries || !listing) abort();
  for (struct dirent *entry; (entry = readdir(entries));) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    fprintf(listing, "%lu %s\n", (unsigned long)entry->d_ino, entry->d_name);
    mirror_path(pin, "pin", entry->d_ino);
    if (entry->d_type == DT_REG) linkat(dirfd(entries), entry->d_name, AT_FDCWD, pin, 0);
  }
  fclose(listing);
  closedir(entries);
  rename(draft, path);
  pthread_mutex_unlock(&lock);
}

static int sync_file(int fd) {
  struct stat file;
  if (fails("sync")) return errno = EIO, -1;
  if (getenv("STRATUS_DISK_LIES") || fstat(fd, &file) != 0) return 0;
  if (S_ISDIR(file.st_mode)) keep_listing(fd, &file);
  else keep_content(fd, &file);
  return 0;
}

int fsync(int fd) { return is_watched(fd) ? sync_file(fd) : REAL(fsync)(fd); }

int fdatasync(int fd) { return is_watched(fd) ? sync_file(fd) : REAL(fdatasync)(fd); }
